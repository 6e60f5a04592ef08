//! A plugin as a type: what the functions that `#[vlugin]` finds stand for.

use std::future::Future;
use std::marker::PhantomData;

use crate::{Context, Error, http};

/// A plugin's configuration: JSON.
pub type VluginConfig = serde_json::Value;

/// A plugin that handles any message. Most are written as functions; this is for a type of one's own:
///
/// ```no_run
/// use valor::*;
///
/// struct Echo;
///
/// impl Vlugin for Echo {
///     async fn on_msg(&self, _cx: &Context, msg: Message) -> Result<Answer, Error> {
///         match msg {
///             Message::Http(request) => Ok(http::Response::from(request.url().path().to_owned()).into()),
///             Message::Ping => Ok(Answer::Pong),
///             _ => Err(Error::NotSupported),
///         }
///     }
/// }
///
/// #[vlugin]
/// pub fn plugin() -> impl Vlugin {
///     Echo
/// }
/// # fn main() {}
/// ```
pub trait Vlugin: Send + Sync + 'static {
    /// Runs once, before the first message: reads the configuration, sets the state.
    fn on_create(&mut self, cx: &mut Context) -> impl Future<Output = Result<(), Error>> {
        let _ = cx;
        async { Ok(()) }
    }

    /// Answers one message.
    fn on_msg(&self, cx: &Context, msg: Message) -> impl Future<Output = Result<Answer, Error>>;
}

/// What a vlugin is sent.
#[derive(Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "nearly every message is a request")]
pub enum Message {
    /// A request.
    Http(http::Request),
    /// Are you there?
    Ping,
}

/// What a vlugin answers.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// A response.
    Http(http::Response),
    /// Here I am.
    Pong,
}

/// A [`Vlugin`] made of a closure. The closure borrows the context only until it returns its future.
///
/// ```
/// use valor::*;
///
/// let greeter = h(|request: http::Request, cx: &Context| {
///     let who = cx.config::<String>();
///     async move { Ok(http::Response::from(format!("{} greets {}", who?, request.url().path()))) }
/// });
/// let greeter = test::start_vlugin(greeter, "Alice");
/// assert_eq!(greeter.get("/Bob").text(), "Alice greets /Bob");
/// ```
pub fn h<M, O, F, Fut>(closure: F) -> FnVlugin<M, O, F, Fut>
where
    F: Fn(M, &Context) -> Fut + Send + Sync + 'static,
    M: From<Message>,
    O: Into<Answer>,
    Fut: Future<Output = Result<O, Error>>,
{
    FnVlugin { closure, types: PhantomData }
}

/// What [`h`] returns.
pub struct FnVlugin<M, O, F, Fut> {
    closure: F,
    types: PhantomData<fn(M) -> (O, Fut)>,
}

impl<M, O, F, Fut> std::fmt::Debug for FnVlugin<M, O, F, Fut> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FnVlugin")
    }
}

impl<M, O, F, Fut> Vlugin for FnVlugin<M, O, F, Fut>
where
    F: Fn(M, &Context) -> Fut + Send + Sync + 'static,
    M: From<Message> + 'static,
    O: Into<Answer> + 'static,
    Fut: Future<Output = Result<O, Error>> + 'static,
{
    async fn on_msg(&self, cx: &Context, msg: Message) -> Result<Answer, Error> {
        Ok((self.closure)(M::from(msg), cx).await?.into())
    }
}

/// Answers everything with [`Answer::Pong`]: for tests.
impl Vlugin for () {
    async fn on_msg(&self, _cx: &Context, _msg: Message) -> Result<Answer, Error> {
        Ok(Answer::Pong)
    }
}

impl From<http::Request> for Message {
    fn from(request: http::Request) -> Self {
        Self::Http(request)
    }
}

impl From<()> for Message {
    fn from((): ()) -> Self {
        Self::Ping
    }
}

/// The request; a ping is `GET /`.
impl From<Message> for http::Request {
    fn from(msg: Message) -> Self {
        match msg {
            Message::Http(request) => request,
            Message::Ping => Self::default(),
        }
    }
}

impl From<http::Response> for Answer {
    fn from(response: http::Response) -> Self {
        Self::Http(response)
    }
}

impl From<http::Body> for Answer {
    fn from(body: http::Body) -> Self {
        Self::Http(body.into())
    }
}

impl From<()> for Answer {
    fn from((): ()) -> Self {
        Self::Pong
    }
}

/// The response; a pong is an empty 200.
impl From<Answer> for http::Response {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Http(response) => response,
            Answer::Pong => http::StatusCode::Ok.into(),
        }
    }
}
