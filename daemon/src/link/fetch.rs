//! Requests that the plugin makes: bounded, checked, and handed to the worker's [`Fetcher`].

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{LocalBoxFuture, poll_fn};
use http::{HeaderValue, Method, Request, Response, Uri, header};
use http_body::Body as _;
use valor_wire::{RequestRef, ResetCode, StreamId};

use super::body::{Body, Reader};
use super::head::{decode, is_hop_by_hop};
use super::pump::{Source, Writer};
use super::table::{Head, Origin, Stream, Table};
use super::{BoxedBody, Link, State};
use crate::plugin::Plugin;

/// Makes the requests that plugins ask for; each worker has one.
pub trait Fetcher {
    /// Makes one request. Dropping the future cancels it.
    fn fetch(
        &self,
        caller: Caller,
        request: Request<Body>,
    ) -> LocalBoxFuture<'static, Result<Response<BoxedBody>, FetchError>>;
}

/// Who asks for a fetch, and for whom.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The plugin.
    pub plugin: Arc<Plugin>,
    /// When the response head is due.
    pub deadline: Option<Instant>,
    /// How many plugins stand between the client and this fetch, this one included.
    pub depth: u8,
    /// The id of the client's request.
    pub request_id: Option<HeaderValue>,
}

/// Why a fetch failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct FetchError {
    /// What kind of failure.
    pub kind: FetchErrorKind,
    /// For the plugin's author: what and why.
    pub reason: String,
}

/// The kinds of failed fetches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchErrorKind {
    /// No grant, or a limit.
    Refused,
    /// The target cannot be reached.
    Unreachable,
    /// Too late.
    Deadline,
    /// Plugins call each other too deeply.
    TooDeep,
}

/// A fetch that was just read.
pub(crate) enum Asked {
    Refuse(StreamId, String),
    Start {
        id: StreamId,
        key: usize,
        caller: Caller,
        request: Box<Request<()>>,
        length: Option<u64>,
        end: bool,
    },
}

/// Notes a fetch in the table; [`start`] goes on with it when the head is no longer borrowed.
pub(crate) fn accept(
    link: &Link,
    table: &mut Table,
    id: StreamId,
    head: &RequestRef<'_>,
    end: bool,
) -> Asked {
    let (request, length) = match request(head) {
        Ok(request) => request,
        Err(reason) => return Asked::Refuse(id, reason),
    };
    let parent = head.parent.filter(|id| id.by_daemon());
    let inherited = parent.map(|id| match table.by_id(id) {
        Some((_, stream)) => {
            // The deadline is for the response head; once that is out, it says nothing any more.
            let deadline = stream.origin.deadline.filter(|_| matches!(stream.head, Head::Waiting));
            Origin { deadline, ..stream.origin.clone() }
        }
        None => Origin { depth: table.depth(id), ..Origin::default() },
    });
    let Origin { deadline, depth, request_id } = inherited.unwrap_or_default();
    let now = Instant::now();
    let mut deadline = deadline.unwrap_or_else(|| now + link.plugin.timeout());
    if head.deadline_ms > 0 {
        deadline = deadline.min(now + Duration::from_millis(head.deadline_ms.into()));
    }
    let caller = Caller {
        plugin: Arc::clone(&link.plugin),
        deadline: Some(deadline),
        depth: depth.saturating_add(1),
        request_id,
    };
    let mut stream = Stream::new(id, Head::Taken, Origin::default());
    stream.end = end;
    stream.has_reader = !end;
    stream.has_writer = true;
    let key = table.insert(stream);
    Asked::Start { id, key, caller, request: Box::new(request), length, end }
}

fn request(head: &RequestRef<'_>) -> Result<(Request<()>, Option<u64>), String> {
    let method =
        Method::from_bytes(head.method.as_bytes()).map_err(|_| "the method is invalid".to_owned())?;
    let uri: Uri =
        head.target.parse().map_err(|_| format!("{:?} is neither a URL nor a path", head.target))?;
    let (headers, length) = decode(head.fields).map_err(|error| error.to_string())?;
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok((request, length))
}

/// Starts what was accepted, or says no.
pub(crate) fn start(state: &mut State, link: &Rc<Link>, asked: Asked) {
    match asked {
        Asked::Refuse(id, reason) => state.conn.reset(id, ResetCode::Refused, &reason),
        Asked::Start { id, key, caller, request, length, end } => {
            state.fetches += 1;
            let room = state.fetches <= link.options.max_fetches;
            let link = Rc::clone(link);
            // The readers and writers borrow the link when they are dropped, so even a refusal is a task's work.
            tokio::task::spawn_local(async move {
                let writer = Writer { link: Rc::clone(&link), key, id };
                let body = if end {
                    Ok(Body::empty())
                } else {
                    body(Reader { link: Rc::clone(&link), key, id }, length)
                };
                match body {
                    _ if !room => writer.refuse(ResetCode::Refused, "too many fetches at once"),
                    Err(reason) => writer.refuse(ResetCode::Refused, reason),
                    Ok(body) => serve(writer, caller, request.map(|()| body)).await,
                }
                link.state.borrow_mut().fetches -= 1;
            });
        }
    }
}

fn body(reader: Reader, length: Option<u64>) -> Result<Body, &'static str> {
    let mut body = Body::parts(reader);
    if let Some(length) = length {
        body.declare(length).map_err(|_| "the body does not have the length that was declared")?;
    }
    Ok(body)
}

async fn serve(writer: Writer, caller: Caller, request: Request<Body>) {
    let deadline = caller.deadline.unwrap_or_else(Instant::now);
    let fetch = writer.link.fetcher.fetch(caller, request);
    let answer = tokio::select! {
        biased;
        () = poll_fn(|cx| writer.poll_closed(cx)) => return,
        answer = tokio::time::timeout_at(deadline.into(), fetch) => answer,
    };
    let response = match answer {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            let code = match error.kind {
                FetchErrorKind::Refused | FetchErrorKind::TooDeep => ResetCode::Refused,
                FetchErrorKind::Unreachable => ResetCode::Unreachable,
                FetchErrorKind::Deadline => ResetCode::Deadline,
            };
            return writer.refuse(code, &error.reason);
        }
        Err(_) => return writer.refuse(ResetCode::Deadline, "the deadline has passed"),
    };
    let (head, body) = response.into_parts();
    let end = body.is_end_stream();
    let listed: Vec<&str> = head
        .headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| super::listed_in_connection(value.as_bytes()))
        .collect();
    let fields = head
        .headers
        .iter()
        .filter(|(name, _)| {
            !is_hop_by_hop(name.as_str()) && !listed.iter().any(|l| l.eq_ignore_ascii_case(name.as_str()))
        })
        .map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()));
    match writer.respond(head.status.as_u16(), fields, end) {
        Err(reason) => writer.refuse(ResetCode::Internal, &reason),
        Ok(()) if end => {}
        Ok(()) => {
            let source = Source::new(writer, bytes::Bytes::new(), false);
            source.run(Some(body), u64::MAX).await;
        }
    }
}
