//! What a handler may return.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;

use super::{Body, BoxError, Error, HeaderValue, Response, StatusCode, header};

/// Anything that answers a request.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no answer to a request",
    label = "expected `http::Response`, text, bytes, `http::Json`, a status, or an `http::Result` of them",
    note = "`(StatusCode, T)` is `T` with that status; `Result<T, E>` needs an `E: Into<http::Error>`"
)]
pub trait IntoResponse {
    /// The response.
    fn into_response(self) -> Response;
}

/// A value as JSON. What cannot be written as JSON is a 500.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        Response::json(&self.0).unwrap_or_else(Into::into)
    }
}

impl<T: IntoResponse, E: Into<Error>> IntoResponse for Result<T, E> {
    fn into_response(self) -> Response {
        match self {
            Ok(value) => value.into_response(),
            Err(error) => error.into().into(),
        }
    }
}

impl<T: IntoResponse> IntoResponse for (StatusCode, T) {
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        response.set_status(self.0);
        response
    }
}

impl<B> IntoResponse for ::http::Response<B>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn into_response(self) -> Response {
        self.into()
    }
}

impl IntoResponse for Response {
    fn into_response(self) -> Response {
        self
    }
}

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");

macro_rules! whole {
    ($($type:ty: $content:ident),*) => {$(
        impl From<$type> for Response {
            fn from(value: $type) -> Self {
                let mut response = Self::from(Body::from(value));
                response.headers_mut().insert(header::CONTENT_TYPE, $content);
                response
            }
        }
        into!($type);
    )*};
}

macro_rules! into {
    ($($type:ty),*) => {$(
        impl IntoResponse for $type {
            fn into_response(self) -> Response {
                self.into()
            }
        }
    )*};
}

whole!(&'static str: TEXT, String: TEXT, &'static [u8]: BYTES, Vec<u8>: BYTES, Bytes: BYTES);
into!(Error, Cow<'static, str>, StatusCode, Body, (), serde_json::Value);

impl From<Cow<'static, str>> for Response {
    fn from(value: Cow<'static, str>) -> Self {
        match value {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl From<StatusCode> for Response {
    fn from(status: StatusCode) -> Self {
        let mut response = Self::default();
        response.set_status(status);
        response
    }
}

impl From<()> for Response {
    fn from((): ()) -> Self {
        Self::default()
    }
}

impl From<serde_json::Value> for Response {
    fn from(value: serde_json::Value) -> Self {
        Json(value).into_response()
    }
}
