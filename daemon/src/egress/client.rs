//! Makes the calls of one plugin on one worker: pooled connections, TLS against the system's roots, redirects one by one.

use std::error::Error;
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, LOCATION,
    PROXY_AUTHORIZATION,
};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};

use super::connect::{Connector, Lookup, refusal, system_lookup, target};
use super::policy::Policy;
use super::without_query;
use crate::link::{Body, BoxError, BoxedBody, FetchError, FetchErrorKind};

/// The most redirects that are followed, as browsers have it (Fetch standard, HTTP-redirect fetch: 20; curl: 50).
const MAX_REDIRECTS: usize = 10;
/// The longest response head, in bytes, and the most fields in it.
const MAX_HEAD: usize = 64 * 1024;
const MAX_FIELDS: usize = 128;

/// The client of one plugin.
pub(super) struct Client {
    policy: Arc<Policy>,
    idle_timeout: Duration,
    /// `Err`: TLS cannot be set up, and why.
    http: Result<legacy::Client<HttpsConnector<Connector>, Upload>, String>,
}

impl Client {
    pub(super) fn new(policy: Policy, idle_timeout: Duration, connect_timeout: Duration) -> Self {
        Self::with_lookup(policy, idle_timeout, connect_timeout, system_lookup())
    }

    pub(super) fn with_lookup(
        policy: Policy,
        idle_timeout: Duration,
        timeout: Duration,
        lookup: Lookup,
    ) -> Self {
        let policy = Arc::new(policy);
        let connector = Connector { policy: Arc::clone(&policy), timeout, lookup };
        let http = tls().map(|tls| {
            let https = HttpsConnectorBuilder::new()
                .with_tls_config(tls)
                .https_or_http()
                .enable_all_versions()
                .wrap_connector(connector);
            legacy::Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(Duration::from_secs(30))
                .pool_max_idle_per_host(16)
                .http1_max_buf_size(MAX_HEAD)
                .http1_max_headers(MAX_FIELDS)
                .http2_max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
                .build(https)
        });
        Self { policy, idle_timeout, http }
    }

    /// Makes the call and, where they are to be followed, follows its redirects, each of which needs a grant of its own.
    pub(super) async fn send(
        &self,
        request: Request<Body>,
        follow: bool,
    ) -> Result<Response<BoxedBody>, FetchError> {
        let (mut parts, body) = request.into_parts();
        if parts.method == Method::CONNECT {
            return Err(refused("fetch opens no tunnels: use another method than CONNECT"));
        }
        let mut body = Some(body).filter(|b| !b.is_end_stream());
        // What was streamed cannot be sent again.
        let mut streamed = body.is_some();
        let client = self.http.as_ref().map_err(|e| unreachable(e.clone()))?;
        for _ in 0..=MAX_REDIRECTS {
            self.check(&parts.uri)?;
            parts.headers.remove(HOST);
            let mut request = Request::new(Upload::from(body.take()));
            *request.method_mut() = parts.method.clone();
            *request.uri_mut() = parts.uri.clone();
            *request.headers_mut() = parts.headers.clone();
            let response = client.request(request).await.map_err(|e| failure(&parts.uri, &e))?;
            if !follow {
                return Ok(self.answer(response));
            }
            let Some(next) = redirect(&response, &parts.uri)? else {
                return Ok(self.answer(response));
            };
            if becomes_get(response.status(), &parts.method) {
                parts.method = Method::GET;
                streamed = false;
                for name in [CONTENT_LENGTH, CONTENT_TYPE, CONTENT_ENCODING] {
                    parts.headers.remove(name);
                }
            }
            if streamed {
                return Ok(self.answer(response));
            }
            if target(&next).ok() != target(&parts.uri).ok() || next.scheme() != parts.uri.scheme() {
                for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
                    parts.headers.remove(name);
                }
            }
            parts.uri = next;
        }
        Err(unreachable(format!(
            "more than {MAX_REDIRECTS} redirects, the last to {}",
            without_query(&parts.uri)
        )))
    }

    /// Refuses, before anything is resolved, what no grant names.
    fn check(&self, uri: &Uri) -> Result<(), FetchError> {
        let (host, port) = target(uri).map_err(refused)?;
        self.policy.check_host(&host, port).map_err(refused)
    }

    fn answer(&self, response: Response<Incoming>) -> Response<BoxedBody> {
        let idle = self.idle_timeout;
        response.map(|body| {
            Box::pin(Download { body, idle, timer: Box::pin(tokio::time::sleep(idle)), waiting: true })
                as BoxedBody
        })
    }
}

/// As browsers do it (Fetch standard, HTTP-redirect fetch).
fn becomes_get(status: StatusCode, method: &Method) -> bool {
    match status {
        StatusCode::SEE_OTHER => !matches!(*method, Method::GET | Method::HEAD),
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => *method == Method::POST,
        _ => false,
    }
}

/// Where a response redirects to, `None` when it does not.
fn redirect<B>(response: &Response<B>, from: &Uri) -> Result<Option<Uri>, FetchError> {
    use StatusCode as S;
    if !matches!(
        response.status(),
        S::MOVED_PERMANENTLY | S::FOUND | S::SEE_OTHER | S::TEMPORARY_REDIRECT | S::PERMANENT_REDIRECT
    ) {
        return Ok(None);
    }
    let Some(location) = response.headers().get(LOCATION) else {
        return Ok(None);
    };
    let bad = || unreachable(format!("{} redirects to a Location that is no URL", without_query(from)));
    let location = std::str::from_utf8(location.as_bytes()).map_err(|_| bad())?;
    let base = url::Url::parse(&from.to_string()).map_err(|_| bad())?;
    let mut next = base.join(location).map_err(|_| bad())?;
    next.set_fragment(None);
    next.as_str().parse().map(Some).map_err(|_| bad())
}

fn refused(reason: impl std::fmt::Display) -> FetchError {
    FetchError { kind: FetchErrorKind::Refused, reason: reason.to_string() }
}

fn unreachable(reason: String) -> FetchError {
    FetchError { kind: FetchErrorKind::Unreachable, reason }
}

/// A refusal of the connector comes back through layers of errors; of all others the innermost says most.
fn failure(uri: &Uri, error: &legacy::Error) -> FetchError {
    if let Some(refusal) = refusal(error) {
        return refused(refusal);
    }
    let mut last: &dyn Error = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    unreachable(format!("cannot fetch from {}: {last}", uri.authority().map_or("", |a| a.host())))
}

/// TLS for all clients; the roots are read once.
fn tls() -> Result<rustls::ClientConfig, String> {
    static TLS: OnceLock<Result<rustls::ClientConfig, String>> = OnceLock::new();
    TLS.get_or_init(|| {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(|e| e.to_string())?;
        // Without roots every certificate is refused, which is the safe way to fail; plain HTTP goes on.
        Ok(match builder.clone().with_native_roots() {
            Ok(builder) => builder.with_no_client_auth(),
            Err(error) => {
                tracing::warn!(target: "egress", "no TLS roots ({error}): fetch refuses https; install ca-certificates");
                builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
            }
        })
    })
    .clone()
}

/// A request's body on its way out. The client's tasks may not hold the link's body, so parts go through a channel.
#[derive(Debug)]
enum Upload {
    Empty,
    Parts { receiver: mpsc::Receiver<Result<Bytes, BoxError>>, size: SizeHint },
}

impl From<Option<Body>> for Upload {
    fn from(body: Option<Body>) -> Self {
        let Some(body) = body else { return Self::Empty };
        let size = body.size_hint();
        let (sender, receiver) = mpsc::channel(2);
        tokio::task::spawn_local(async move {
            let mut body = pin!(body);
            while let Some(frame) = body.frame().await {
                let part = frame.map(|f| f.into_data().unwrap_or_default()).map_err(BoxError::from);
                let failed = part.is_err();
                // The receiver is gone when nobody wants the rest.
                if sender.send(part).await.is_err() || failed {
                    return;
                }
            }
        });
        Self::Parts { receiver, size }
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut *self {
            Self::Empty => Poll::Ready(None),
            Self::Parts { receiver, .. } => {
                receiver.poll_recv(cx).map(|part| part.map(|p| p.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Empty)
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Parts { size, .. } => *size,
        }
    }
}

/// A response's body on its way in, with a deadline between its parts.
struct Download {
    body: Incoming,
    idle: Duration,
    timer: Pin<Box<Sleep>>,
    /// The timer runs. While nobody reads, the sender is not to blame.
    waiting: bool,
}

impl http_body::Body for Download {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.waiting = false;
            return Poll::Ready(frame.map(|f| f.map_err(Into::into)));
        }
        if !this.waiting {
            this.timer.as_mut().reset(Instant::now() + this.idle);
            this.waiting = true;
        }
        ready!(this.timer.as_mut().poll(cx));
        Poll::Ready(Some(Err(format!("the body has stalled for {:?}", this.idle).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
