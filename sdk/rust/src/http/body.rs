//! Bodies, whole or streamed.

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use serde::de::DeserializeOwned;

use super::{Error, Result, StatusCode};

/// Any error that can be sent to another thread.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A body. It is [`http_body::Body`], `Send` and `'static`, so it goes wherever the ecosystem takes one.
pub struct Body(pub(crate) Kind);

pub(crate) enum Kind {
    Full(Bytes),
    Stream(UnsyncBoxBody<Bytes, BoxError>),
}

impl Body {
    /// No body.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Kind::Full(Bytes::new()))
    }

    /// Any other body, for example one of axum.
    pub fn new<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut body = Some(body);
        if let Some(same) = (&mut body as &mut dyn Any).downcast_mut::<Option<Self>>() {
            return same.take().unwrap_or_default();
        }
        match body {
            Some(body) => Self(Kind::Stream(body.map_err(Into::into).boxed_unsync())),
            None => Self::empty(),
        }
    }

    /// A body that is sent as the stream yields it.
    pub fn from_stream<S, T, E>(stream: S) -> Self
    where
        S: Stream<Item = std::result::Result<T, E>> + Send + 'static,
        T: Into<Bytes> + 'static,
        E: Into<BoxError> + 'static,
    {
        let frames = stream.map(|item| item.map(|data| Frame::data(data.into())).map_err(Into::into));
        Self(Kind::Stream(StreamBody::new(frames).boxed_unsync()))
    }

    /// The next part, `None` at the end.
    ///
    /// # Errors
    ///
    /// When the peer or the deadline ended it early.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        while let Some(frame) = self.frame().await {
            if let Ok(data) = frame.map_err(incomplete)?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// All of it. valord bounds the bodies of requests (`max_body` of the plugin); for others, and for less, take
    /// [`bytes_up_to`](Self::bytes_up_to).
    ///
    /// # Errors
    ///
    /// When the peer or the deadline ended it early.
    pub async fn bytes(self) -> Result<Bytes> {
        self.bytes_up_to(usize::MAX).await
    }

    /// All of it, unless it is longer than `limit`.
    ///
    /// # Errors
    ///
    /// 413 when it is; else as [`bytes`](Self::bytes).
    pub async fn bytes_up_to(mut self, limit: usize) -> Result<Bytes> {
        let first = self.chunk().await?.unwrap_or_default();
        let mut all = BytesMut::new();
        let mut next = Some(first.clone());
        while let Some(part) = next {
            if part.len() > limit - all.len() {
                let text = format!("the body is longer than {limit} bytes");
                return Err(Error::from_str(StatusCode::PayloadTooLarge, text));
            }
            let only = all.is_empty() && self.is_end_stream();
            if only {
                return Ok(part);
            }
            all.extend_from_slice(&part);
            next = self.chunk().await?;
        }
        Ok(all.freeze())
    }

    /// All of it, as UTF-8.
    ///
    /// # Errors
    ///
    /// 400 when it is not UTF-8; else as [`bytes`](Self::bytes).
    pub async fn text(self) -> Result<String> {
        String::from_utf8(self.bytes().await?.into())
            .map_err(|e| Error::from_str(StatusCode::BadRequest, format!("the body is not UTF-8: {e}")))
    }

    /// All of it, as JSON.
    ///
    /// # Errors
    ///
    /// 400 when it is no such JSON; else as [`bytes`](Self::bytes).
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        serde_json::from_slice(&self.bytes().await?)
            .map_err(|e| Error::from_str(StatusCode::BadRequest, format!("the body does not fit: {e}")))
    }

    /// The body as a stream of its parts.
    #[must_use]
    pub fn into_stream(self) -> DataStream {
        DataStream(self)
    }
}

fn incomplete(error: BoxError) -> Error {
    match error.downcast::<crate::Error>() {
        Ok(error) => (*error).into(),
        Err(error) => Error::new(StatusCode::BadRequest, error).with_detail("the body is incomplete"),
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.get_mut().0 {
            Kind::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::Stream(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Full(bytes) => bytes.is_empty(),
            Kind::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream(body) => body.size_hint(),
        }
    }
}

/// What [`Body::into_stream`] returns.
#[derive(Debug)]
pub struct DataStream(Body);

impl Stream for DataStream {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        loop {
            let frame = futures_util::ready!(Pin::new(&mut self.0).poll_frame(cx));
            match frame.map(|frame| frame.map(Frame::into_data)) {
                None => return Poll::Ready(None),
                Some(Ok(Ok(data))) => return Poll::Ready(Some(Ok(data))),
                Some(Ok(Err(_trailers))) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(incomplete(error)))),
            }
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Full(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Kind::Stream(_) => f.write_str("Body(stream)"),
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

macro_rules! from {
    ($($type:ty),*) => {$(
        impl From<$type> for Body {
            fn from(value: $type) -> Self {
                Self(Kind::Full(Bytes::from(value)))
            }
        }
    )*};
}

from!(&'static str, &'static [u8], String, Vec<u8>, Bytes, BytesMut, Box<[u8]>);

impl From<()> for Body {
    fn from((): ()) -> Self {
        Self::empty()
    }
}

impl From<serde_json::Value> for Body {
    fn from(value: serde_json::Value) -> Self {
        value.to_string().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use futures_util::stream;

    fn now<T>(future: impl Future<Output = T>) -> T {
        future.now_or_never().expect("ready")
    }

    fn parts(parts: &'static [&'static str]) -> Body {
        Body::from_stream(stream::iter(parts.iter().map(|p| Ok::<_, std::io::Error>(*p))))
    }

    #[test]
    fn collects_whole_and_streamed_bodies() {
        assert_eq!(now(Body::from("one").text()).unwrap(), "one");
        assert_eq!(now(parts(&["a", "", "bc"]).text()).unwrap(), "abc");
        assert_eq!(now(parts(&[]).bytes()).unwrap(), "");
        assert_eq!(now(Body::empty().bytes_up_to(0)).unwrap(), "");
    }

    #[test]
    fn a_limit_is_exact() {
        assert_eq!(now(parts(&["ab", "cd"]).bytes_up_to(4)).unwrap(), "abcd");
        let error = now(parts(&["ab", "cd"]).bytes_up_to(3)).unwrap_err();
        assert_eq!(error.status(), StatusCode::PayloadTooLarge);
        assert_eq!(now(Body::from("abcd").bytes_up_to(3)).unwrap_err().status(), 413);
    }

    #[test]
    fn an_error_on_the_way_is_an_error() {
        let cut = stream::iter([Ok("a"), Err(std::io::Error::other("cut"))]);
        assert_eq!(now(Body::from_stream(cut).bytes()).unwrap_err().status(), StatusCode::BadRequest);
    }

    #[test]
    fn a_body_is_not_boxed_twice() {
        assert!(matches!(Body::new(Body::from("x")).0, Kind::Full(_)));
    }
}
