//! What the daemon answers itself: problem details of RFC 9457, all made here.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use super::Body;
use super::forward::{CORRELATION_ID, RUNTIME, SERVER};

/// What went wrong. Clients may rely on the kind, which is the last part of the problem's `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names and the titles below say it")]
pub enum Kind {
    BadRequest,
    NotFound,
    MethodNotAllowed,
    NotImplemented,
    BodyTooLarge,
    BodyTimeout,
    HeadTooLarge,
    HeadTimeout,
    TargetTooLong,
    HttpVersion,
    Expectation,
    Busy,
    Starting,
    Backoff,
    Quarantined,
    StartFailed,
    Draining,
    Stopped,
    Disabled,
    Crashed,
    OutOfMemory,
    PluginFailed,
    BadResponse,
    Deadline,
}

impl Kind {
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::BadRequest => (S::BAD_REQUEST, "bad-request", "the request is refused"),
            Self::NotFound => (S::NOT_FOUND, "not-found", "no plugin answers this path"),
            Self::MethodNotAllowed => {
                (S::METHOD_NOT_ALLOWED, "method-not-allowed", "the method is not one of this path")
            }
            Self::NotImplemented => {
                (S::NOT_IMPLEMENTED, "not-implemented", "the request asks for what is not supported")
            }
            Self::BodyTooLarge => (S::PAYLOAD_TOO_LARGE, "body-too-large", "the request body is too large"),
            Self::BodyTimeout => (S::REQUEST_TIMEOUT, "body-timeout", "the request body has stalled"),
            Self::HeadTooLarge => (
                S::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "head-too-large",
                "the request has too many or too long headers",
            ),
            Self::HeadTimeout => (S::REQUEST_TIMEOUT, "head-timeout", "the request head has stalled"),
            Self::TargetTooLong => (S::URI_TOO_LONG, "target-too-long", "the request target is too long"),
            Self::HttpVersion => {
                (S::HTTP_VERSION_NOT_SUPPORTED, "http-version", "the version of HTTP is not supported")
            }
            Self::Expectation => {
                (S::EXPECTATION_FAILED, "expectation-failed", "the request expects what is not supported")
            }
            Self::Busy => (S::SERVICE_UNAVAILABLE, "busy", "the plugin has too many requests"),
            Self::Starting => (S::SERVICE_UNAVAILABLE, "starting", "the plugin is starting"),
            Self::Backoff => {
                (S::SERVICE_UNAVAILABLE, "backoff", "the plugin has crashed and will be started again")
            }
            Self::Quarantined => (S::SERVICE_UNAVAILABLE, "quarantined", "the plugin has crashed too often"),
            Self::StartFailed => (S::BAD_GATEWAY, "start-failed", "the plugin could not be started"),
            Self::Draining => (S::SERVICE_UNAVAILABLE, "draining", "the plugin is being stopped"),
            Self::Stopped => (S::SERVICE_UNAVAILABLE, "stopped", "the plugin is stopped"),
            Self::Disabled => (S::SERVICE_UNAVAILABLE, "disabled", "the plugin is disabled"),
            Self::Crashed => {
                (S::BAD_GATEWAY, "plugin-crashed", "the plugin crashed while it worked on the request")
            }
            Self::OutOfMemory => (
                S::BAD_GATEWAY,
                "out-of-memory",
                "the plugin ran out of memory while it worked on the request",
            ),
            Self::PluginFailed => (S::INTERNAL_SERVER_ERROR, "plugin-failed", "the plugin failed to answer"),
            Self::BadResponse => (S::BAD_GATEWAY, "bad-response", "the plugin's response is invalid"),
            Self::Deadline => (S::GATEWAY_TIMEOUT, "deadline", "the plugin has not answered in time"),
        }
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        self.parts().0
    }
}

/// A problem on its way to the client.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What went wrong.
    pub kind: Kind,
    /// This time.
    pub detail: String,
    /// Who is concerned.
    pub plugin: Option<String>,
    /// When to try again, in seconds.
    pub retry_after: Option<u64>,
    /// Whether the connection is of no further use.
    pub close: bool,
}

#[derive(Serialize)]
struct Json<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl Problem {
    /// A problem that concerns no plugin.
    #[must_use]
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), plugin: None, retry_after: None, close: false }
    }

    /// Names the plugin.
    #[must_use]
    pub fn of(mut self, plugin: &str) -> Self {
        self.plugin = Some(plugin.to_owned());
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Closes the connection after the answer.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    /// The answer to the request `request_id` for `path`.
    #[must_use]
    pub fn response(&self, request_id: Option<&HeaderValue>, path: Option<&str>) -> Response<Body> {
        let (status, slug, title) = self.kind.parts();
        let json = Json {
            r#type: format!("urn:valor:problem:{slug}"),
            title,
            status: status.as_u16(),
            detail: &self.detail,
            instance: path,
            plugin: self.plugin.as_deref(),
            request_id: request_id.and_then(|id| id.to_str().ok()),
        };
        // Strings and numbers always serialise.
        let text = serde_json::to_vec(&json).unwrap_or_default();
        let mut response = Response::new(Body::whole(Bytes::from(text)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(RUNTIME, SERVER);
        if let Some(id) = request_id {
            headers.insert(CORRELATION_ID, id.clone());
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.kind == Kind::MethodNotAllowed {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        if self.close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
