//! Responses.

use std::fmt;
use std::ops::{Deref, DerefMut};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Body, BoxError, Event, HeaderName, HeaderValue, Result, StatusCode, header};

/// A response: `::http::Response<Body>`, and one call for each kind of it.
#[derive(Default)]
pub struct Response(::http::Response<Body>);

impl Response {
    /// A response with a status and a body.
    pub fn new(status: impl Into<StatusCode>, body: impl Into<Body>) -> Self {
        let mut response = Self::from(body.into());
        response.set_status(status.into());
        response
    }

    /// `value` as JSON.
    ///
    /// # Errors
    ///
    /// 500 when it cannot be written as JSON.
    pub fn json(value: &(impl Serialize + ?Sized)) -> Result<Self> {
        Ok(Self::from(Body::from(serde_json::to_vec(value)?)).typed("application/json"))
    }

    /// HTML.
    pub fn html(html: impl Into<Body>) -> Self {
        Self::from(html.into()).typed("text/html; charset=utf-8")
    }

    /// A body that is sent as the stream yields it; an error in it aborts the response.
    pub fn stream<S, T, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<T, E>> + Send + 'static,
        T: Into<Bytes> + 'static,
        E: Into<BoxError> + 'static,
    {
        Body::from_stream(stream).into()
    }

    /// Server-sent events, sent as the stream yields them.
    pub fn sse<S>(events: S) -> Self
    where
        S: Stream<Item: Into<Event>> + Send + 'static,
    {
        let text = events.map(|event| Ok::<_, std::convert::Infallible>(event.into().encode()));
        let mut response = Self::stream(text).typed("text/event-stream");
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }

    /// Sends the client elsewhere, with 303.
    ///
    /// # Errors
    ///
    /// When `location` cannot stand in a header.
    pub fn redirect(location: &str) -> Result<Self> {
        Self::from(StatusCode::SeeOther).with_header(header::LOCATION, location)
    }

    fn typed(mut self, content_type: &'static str) -> Self {
        self.0.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        self
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status().into()
    }

    /// Sets the status.
    pub fn set_status(&mut self, status: impl Into<StatusCode>) {
        *self.0.status_mut() = status.into().into();
    }

    /// The same response with another status.
    #[must_use]
    pub fn with_status(mut self, status: impl Into<StatusCode>) -> Self {
        self.set_status(status);
        self
    }

    /// The same response with another header field.
    ///
    /// # Errors
    ///
    /// When name or value cannot stand in a header.
    pub fn with_header(
        mut self,
        name: impl TryInto<HeaderName, Error: std::error::Error + Send + Sync + 'static>,
        value: impl TryInto<HeaderValue, Error: std::error::Error + Send + Sync + 'static>,
    ) -> Result<Self> {
        self.0.headers_mut().append(name.try_into()?, value.try_into()?);
        Ok(self)
    }

    /// A header's value, when it is there, once or first, and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers().get(name)?.to_str().ok()
    }

    /// The body.
    #[must_use]
    pub fn into_body(self) -> Body {
        self.0.into_body()
    }

    /// The body of a fetched response, as JSON.
    ///
    /// # Errors
    ///
    /// When it does not fit, and when it is incomplete.
    pub async fn into_json<T: DeserializeOwned>(self) -> Result<T> {
        self.into_body().json().await.map_err(|e| e.with_status(StatusCode::BadGateway))
    }

    /// The body of a fetched response, as text.
    ///
    /// # Errors
    ///
    /// When it is not UTF-8, and when it is incomplete.
    pub async fn into_text(self) -> Result<String> {
        self.into_body().text().await.map_err(|e| e.with_status(StatusCode::BadGateway))
    }
}

impl Deref for Response {
    type Target = ::http::Response<Body>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Response {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl From<Body> for Response {
    fn from(body: Body) -> Self {
        Self(::http::Response::new(body))
    }
}

impl<B> From<::http::Response<B>> for Response
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn from(response: ::http::Response<B>) -> Self {
        Self(response.map(Body::new))
    }
}

impl From<Response> for ::http::Response<Body> {
    fn from(response: Response) -> Self {
        response.0
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
