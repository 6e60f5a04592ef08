//! One request to a plugin: its turn, its body, its deadline, its answer.

use std::borrow::Cow;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use futures_util::future::poll_fn;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body::Body as HttpBody;
use valor_wire::ResetCode;

use super::super::forward::{self, Client, Forwarded, PLUGIN};
use super::super::{Body, Kind, Problem};
use super::Local;
use crate::link::{Failure, First, Link, OpenError, Origin, Reply};
use crate::plugin::{Entry, Gate, Permit};

/// A body of this size that is there already is sent with the head.
const INLINE: usize = 64 * 1024;

impl Local {
    /// Sends a request to the plugin of its path, and answers with what came back.
    pub(crate) async fn send<B>(
        self: &Rc<Self>,
        head: &Parts,
        body: B,
        client: &Client<'_>,
        origin: Origin,
        arrival: Instant,
    ) -> Result<Response<Body>, Problem>
    where
        B: HttpBody<Data = Bytes> + Unpin + 'static,
    {
        let path = head.uri.path();
        let mut found = self.find(path)?;
        let plugin = Rc::clone(&found.0);
        let max_body = plugin.plugin().limits.max_body;
        let due = arrival + plugin.plugin().timeout();
        let origin =
            Origin { deadline: Some(origin.deadline.map_or(due, |theirs| theirs.min(due))), ..origin };
        plugin.plugin().stats.request(self.worker);
        let mut first = First::Nothing;
        let mut limit = max_body;
        let mut body = Some(body).filter(|body| !body.is_end_stream());
        if let Some(body) = &mut body {
            first = gather(body, max_body).await.map_err(|failure| self.explain(&plugin, failure))?;
            if let First::Whole(bytes) | First::Start(bytes) = &first {
                limit = limit.saturating_sub(bytes.len() as u64);
            }
            found = self.find(path)?;
        }
        let request_id = origin.request_id.clone().unwrap_or(HeaderValue::from_static("-"));
        let (link, at, reply) = loop {
            let (link, at) = found;
            let permit = self.enter(&link, origin.deadline).await?;
            // Waiting for a turn may have taken long enough for the process to be replaced.
            if link.is_open() {
                let target = target(head, at);
                let forwarded = Forwarded::new(head, client, prefix(path, at), &request_id);
                let opened = link.open(
                    head.method.as_str(),
                    &target,
                    forwarded.fields(&head.headers),
                    first.clone(),
                    origin.clone(),
                    permit,
                );
                let (exchange, source) = opened.map_err(|error| refused(&link, self.worker, &error))?;
                let streamed = source.is_some();
                if let Some(source) = source {
                    tokio::task::spawn_local(source.run(body.take(), limit));
                }
                match exchange.await {
                    Ok(reply) => break (link, at, reply),
                    // Nothing of it has left, so asking another process repeats nothing.
                    Err(Failure::Unsent) if !streamed => {}
                    Err(failure) => return Err(self.explain(&link, failure)),
                }
            } else {
                drop(permit);
            }
            found = self.find(path)?;
        };
        shape(&head.method, reply, &link, prefix(path, at)).map_err(|failure| self.explain(&link, failure))
    }

    /// Waits for its turn, but not longer than the deadline.
    async fn enter(&self, link: &Rc<Link>, deadline: Option<Instant>) -> Result<Permit<Rc<Link>>, Problem> {
        let waiting = match Gate::enter(Rc::clone(link)) {
            Entry::Entered(permit) => return Ok(permit),
            Entry::Full => {
                link.plugin().stats.reject(self.worker);
                let limits = &link.plugin().limits;
                let detail = format!(
                    "{} requests are worked on and {} wait, which is all that it may have",
                    limits.concurrency, limits.queue
                );
                return Err(Problem::new(Kind::Busy, detail).of(&link.plugin().name).retry_after(1));
            }
            Entry::Queued(waiting) => waiting,
        };
        let Some(deadline) = deadline else {
            return Ok(waiting.await);
        };
        tokio::time::timeout_at(deadline.into(), waiting)
            .await
            .map_err(|_| self.explain(link, Failure::Deadline))
    }

    /// What a failure means for the client; also counts it.
    fn explain(&self, link: &Link, failure: Failure) -> Problem {
        let plugin = link.plugin();
        match failure {
            Failure::Deadline | Failure::Total => plugin.stats.timeout(self.worker),
            _ => plugin.stats.error(self.worker),
        }
        let (kind, detail) = match failure {
            Failure::Gone if link.out_of_memory() => (
                Kind::OutOfMemory,
                format!("it may have {} bytes; the request was not repeated", plugin.limits.memory),
            ),
            Failure::Gone => (
                Kind::Crashed,
                "its process ended before it had answered; the request was not repeated".into(),
            ),
            Failure::Unsent => (Kind::Backoff, "its process ended before it was asked".into()),
            Failure::Deadline => {
                (Kind::Deadline, format!("it has not answered within {:?}", plugin.timeout()))
            }
            Failure::Total => (Kind::Deadline, "the exchange took longer than it may in total".into()),
            Failure::Reset(ResetCode::Deadline) => (Kind::Deadline, "it has given up at its deadline".into()),
            Failure::Reset(ResetCode::Failed) => {
                (Kind::PluginFailed, "its handler failed: see valorctl logs".into())
            }
            Failure::Reset(ResetCode::NoAnswer) => {
                (Kind::PluginFailed, "its handler ended without an answer".into())
            }
            Failure::Reset(ResetCode::Refused) => (Kind::Busy, "it has refused the request".into()),
            Failure::Reset(ResetCode::Internal) => {
                (Kind::Crashed, "it broke down before it had answered; the request was not repeated".into())
            }
            Failure::Reset(code) => (Kind::BadResponse, format!("it has aborted the exchange ({code:?})")),
            Failure::Idle => (Kind::Deadline, "it does not read the request's body".into()),
            Failure::Unread => (Kind::Deadline, "its answer was not read".into()),
            Failure::SourceIdle => (Kind::BodyTimeout, "no part of the request body came in time".into()),
            Failure::SourceFailed => {
                (Kind::BadRequest, "the request body ended early, or is malformed".into())
            }
            Failure::TooLarge => {
                (Kind::BodyTooLarge, format!("it takes at most {} bytes", plugin.limits.max_body))
            }
            Failure::BadHead(_) | Failure::Length => (Kind::BadResponse, failure.to_string()),
        };
        let problem = Problem::new(kind, detail).of(&plugin.name);
        match kind {
            Kind::Busy | Kind::Backoff => problem.retry_after(1),
            // What is left of the body would be read for nothing.
            Kind::BodyTooLarge | Kind::BodyTimeout | Kind::BadRequest => problem.closing(),
            _ => problem,
        }
    }
}

fn refused(link: &Link, worker: usize, error: &OpenError) -> Problem {
    link.plugin().stats.error(worker);
    let (kind, detail) = match error {
        OpenError::Closed => (Kind::Backoff, "its process has ended just now".to_owned()),
        OpenError::Busy => {
            (Kind::Busy, "its process has as many exchanges as a connection carries".to_owned())
        }
        OpenError::Head(error) => (Kind::HeadTooLarge, error.to_string()),
    };
    let problem = Problem::new(kind, detail).of(&link.plugin().name);
    if kind == Kind::HeadTooLarge { problem } else { problem.retry_after(1) }
}

/// The prefix by which a path was found. The plugin may have another by now: what it is told, and what its answer is held to, is
/// what the client has asked for.
fn prefix(path: &str, at: usize) -> &str {
    path.get(..at).filter(|prefix| !prefix.is_empty()).unwrap_or("/")
}

/// What the plugin sees as the target: the path below its prefix, and the query.
fn target(head: &Parts, at: usize) -> Cow<'_, str> {
    let whole = head.uri.path_and_query().map_or("/", |target| target.as_str());
    match whole.get(at..) {
        Some(rest) if rest.starts_with('/') => Cow::Borrowed(rest),
        Some("") | None => Cow::Borrowed("/"),
        Some(query) => Cow::Owned(format!("/{query}")),
    }
}

/// Takes what is there of the body already, so that it travels with the head.
async fn gather<B: HttpBody<Data = Bytes> + Unpin>(body: &mut B, max: u64) -> Result<First, Failure> {
    if body.size_hint().lower() > max {
        return Err(Failure::TooLarge);
    }
    let mut start = Bytes::new();
    let mut tries = 0;
    loop {
        let polled = poll_fn(|cx| {
            let polled = Pin::new(&mut *body).poll_frame(cx);
            if polled.is_pending() && tries == 0 {
                // hyper hands a body out only after it was asked for it, which it was just now: once around the run
                // queue, without a look at the sockets.
                tries = 1;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(polled)
        })
        .await;
        match polled {
            Poll::Pending => return Ok(First::Start(start)),
            Poll::Ready(None) => return Ok(First::Whole(start)),
            Poll::Ready(Some(Err(_))) => return Err(Failure::SourceFailed),
            Poll::Ready(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else { continue };
                if start.is_empty() {
                    start = data;
                } else {
                    start = [start, data].concat().into();
                }
                if start.len() as u64 > max {
                    return Err(Failure::TooLarge);
                }
                if body.is_end_stream() {
                    return Ok(First::Whole(start));
                }
                if start.len() >= INLINE {
                    return Ok(First::Start(start));
                }
            }
        }
    }
}

/// The plugin's answer as the client gets it.
fn shape(method: &Method, reply: Reply, link: &Link, prefix: &str) -> Result<Response<Body>, Failure> {
    let Reply { status, mut headers, length, mut body } = reply;
    forward::confine(&mut headers, prefix);
    headers.insert(PLUGIN, link.plugin_header());
    let without_body = *method == Method::HEAD || status == StatusCode::NOT_MODIFIED;
    let body = if without_body {
        // The length of what is not sent.
        if let Some(length) = length {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        Body::empty()
    } else if matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT) {
        Body::empty()
    } else {
        if let Some(length) = length {
            body.declare(length)?;
        }
        Body::from(body)
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}
