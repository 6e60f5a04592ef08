//! An error that is an answer.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;

use super::{BoxError, Response, StatusCode, header};

/// A failure with the status that the client gets.
///
/// It does not implement [`std::error::Error`], so that `?` turns every error that does into one: with status 500, told in
/// full to the log and not at all to the client. (A refused or failed [`fetch`](crate::fetch) is 502.)
pub struct Error {
    status: StatusCode,
    detail: Option<Cow<'static, str>>,
    source: Option<BoxError>,
}

impl Error {
    /// A failure that the client is told about in words.
    pub fn from_str(status: impl Into<StatusCode>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status: status.into(), detail: Some(detail.into()), source: None }
    }

    /// A failure with a reason for the log; the client sees only the status.
    pub fn new(status: impl Into<StatusCode>, source: impl Into<BoxError>) -> Self {
        Self { status: status.into(), detail: None, source: Some(source.into()) }
    }

    /// The same, and the client is told `detail`.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(mut self, status: impl Into<StatusCode>) -> Self {
        self.status = status.into();
        self
    }

    /// The status that the client gets.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What the client is told.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// Writes what the client is not told to the log.
    fn log(&self) {
        if let Some(source) = &self.source {
            let mut text = format!("{}: {source}", self.status);
            let mut next = source.source();
            while let Some(cause) = next {
                text.push_str(&format!(": {cause}"));
                next = cause.source();
            }
            let level = if self.status.is_server_error() {
                crate::log::Level::Error
            } else {
                crate::log::Level::Info
            };
            crate::log::write(level, module_path!(), &text);
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.detail, &self.source) {
            (Some(detail), Some(source)) => write!(f, "{detail}: {source}"),
            (Some(detail), None) => f.write_str(detail),
            (None, Some(source)) => source.fmt(f),
            (None, None) => self.status.fmt(f),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self, self.status)
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        let mut error = Some(error);
        let ours = (&mut error as &mut dyn Any).downcast_mut::<Option<crate::Error>>().and_then(Option::take);
        match (ours, error) {
            (Some(crate::Error::Http(error)), _) => error,
            (Some(error @ crate::Error::Fetch(_)), _) => Self::new(StatusCode::BadGateway, error),
            (Some(error @ crate::Error::NotSupported), _) => Self::new(StatusCode::NotImplemented, error),
            (Some(error), _) => Self::new(StatusCode::InternalServerError, error),
            (None, Some(error)) => Self::new(StatusCode::InternalServerError, error),
            (None, None) => Self::from_str(StatusCode::InternalServerError, ""),
        }
    }
}

/// `application/problem+json` (RFC 9457); what the client is not told goes to the log.
impl From<Error> for Response {
    fn from(error: Error) -> Self {
        error.log();
        let title = error.status.canonical_reason().unwrap_or("Error");
        let mut problem =
            serde_json::json!({"type": "about:blank", "title": title, "status": error.status.as_u16()});
        if let Some(detail) = error.detail {
            problem["detail"] = detail.into();
        }
        let mut response = Self::from(problem.to_string());
        response.set_status(error.status);
        let value = super::HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, value);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn parse() -> super::super::Result<u8> {
        Ok("many".parse::<u8>()?)
    }

    #[test]
    fn any_error_is_500_and_secret() {
        let error = parse().unwrap_err();
        assert_eq!(error.status(), StatusCode::InternalServerError);
        assert!(error.to_string().contains("invalid digit"));
        let body = Response::from(error).into_body().text().now_or_never().unwrap().unwrap();
        assert_eq!(body, r#"{"status":500,"title":"Internal Server Error","type":"about:blank"}"#);
    }

    #[test]
    fn what_is_meant_for_the_client_is_told() {
        let response = Response::from(Error::from_str(StatusCode::BadRequest, "Missing buddy to greet"));
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let body = response.into_body().text().now_or_never().unwrap().unwrap();
        assert!(body.contains(r#""detail":"Missing buddy to greet""#), "{body}");
    }

    #[test]
    fn errors_of_valor_keep_their_meaning() {
        assert_eq!(Error::from(crate::Error::Fetch("refused".into())).status(), 502);
        let teapot = Error::from_str(StatusCode::ImATeapot, "short");
        assert_eq!(Error::from(crate::Error::from(teapot)).status(), 418);
    }
}
