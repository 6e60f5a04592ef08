//! From a request to the plugin that answers it.

mod local;
mod probe;
mod send;

use std::convert::Infallible;
use std::rc::Rc;
use std::time::Instant;

use futures_util::future::LocalBoxFuture;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;

pub(crate) use local::Local;
pub use probe::ProbeError;

use super::check::{check, check_path};
use super::connection::Connection;
use super::forward::{CORRELATION_ID, Client, PLUGIN, RUNTIME, SERVER, sane_request_id};
use super::{Body, Kind, Problem, site};
use crate::link::{self, BoxedBody, Caller, FetchError, FetchErrorKind, Origin};

/// Plugins that may stand between a client and the one that answers.
const MAX_DEPTH: u8 = 8;

/// One worker's way to the plugins.
#[derive(Debug, Clone)]
pub struct Dispatcher(pub(crate) Rc<Local>);

impl Dispatcher {
    /// The worker's number.
    #[must_use]
    pub fn worker(&self) -> usize {
        self.0.worker
    }

    /// A plugin asks another one: `request`'s target is a path, as a client would write it.
    #[must_use]
    pub fn call(
        &self,
        caller: &Caller,
        request: Request<link::Body>,
    ) -> LocalBoxFuture<'static, Result<Response<BoxedBody>, FetchError>> {
        let local = Rc::clone(&self.0);
        let origin =
            Origin { deadline: caller.deadline, depth: caller.depth, request_id: caller.request_id.clone() };
        Box::pin(async move {
            if origin.depth > MAX_DEPTH {
                let reason = format!("more than {MAX_DEPTH} plugins call each other for one request");
                return Err(FetchError { kind: FetchErrorKind::TooDeep, reason });
            }
            let refused =
                |reason: &str| FetchError { kind: FetchErrorKind::Refused, reason: reason.to_owned() };
            check_path(request.uri().path()).map_err(refused)?;
            let (head, body) = request.into_parts();
            if head.method == Method::CONNECT {
                return Err(refused("CONNECT is not supported"));
            }
            let request_id = origin.request_id.clone().unwrap_or_else(|| local.ids.make());
            let client = Client { ip: "127.0.0.1", trusted: false };
            let origin = Origin { request_id: Some(request_id.clone()), ..origin };
            let response = match local.send(&head, body, &client, origin, Instant::now()).await {
                Ok(response) => response,
                Err(problem) => problem.response(Some(&request_id), Some(head.uri.path())),
            };
            Ok(response.map(|body| Box::pin(body) as BoxedBody))
        })
    }
}

/// Answers a client.
pub(crate) async fn answer(
    local: Rc<Local>,
    connection: Rc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let arrival = Instant::now();
    local.pace.request(arrival);
    let (head, body) = request.into_parts();
    let request_id = sane_request_id(&head.headers).cloned().unwrap_or_else(|| local.ids.make());
    let busy = connection.begin();
    let result = match &busy {
        Err(bad) => Err(bad.problem()),
        Ok(_) => match check(&head, connection.max_headers) {
            Err(problem) => Err(problem),
            Ok(()) if head.uri.path() == "*" => Ok(options()),
            Ok(()) if head.uri.path().starts_with(site::PREFIX) => site::answer(&local.site(), &head),
            Ok(()) if head.uri.path().starts_with("/_") => {
                local.internal.answer(&head.method, &head.uri).await
            }
            Ok(()) => {
                let client = Client { ip: &connection.ip, trusted: connection.trusted };
                let origin = Origin { deadline: None, depth: 0, request_id: Some(request_id.clone()) };
                local.send(&head, body, &client, origin, arrival).await.map_err(|problem| {
                    match connection.broken_body() {
                        Some(bad) if problem.kind == Kind::BadRequest => {
                            Problem { plugin: problem.plugin, ..bad.problem() }
                        }
                        _ => problem,
                    }
                })
            }
        },
    };
    let mut response = result.unwrap_or_else(|problem| {
        // Of a refused head, the path may be what was made up for it.
        let path = busy.is_ok().then(|| head.uri.path());
        let mut response = problem.response(Some(&request_id), path);
        if problem.close {
            connection.linger();
        }
        if head.version == Version::HTTP_2 {
            response.headers_mut().remove(header::CONNECTION);
        }
        if let Some(name) = problem.plugin.and_then(|name| HeaderValue::from_str(&name).ok()) {
            response.headers_mut().insert(PLUGIN, name);
        }
        response
    });
    response.headers_mut().insert(CORRELATION_ID, request_id);
    response.headers_mut().insert(RUNTIME, SERVER);
    Ok(match busy {
        Ok(busy) => response.map(|body| body.keep(busy)),
        Err(_) => response,
    })
}

/// What this server as a whole can do (RFC 9110 section 9.3.7).
fn options() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
