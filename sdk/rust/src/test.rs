//! Runs a vlugin in a unit test, without a daemon.
//!
//! ```
//! # mod plugin {
//! use valor::*;
//!
//! #[vlugin]
//! pub async fn on_request(cx: &Context, request: http::Request) -> String {
//!     format!("{} at {}", cx.config::<String>().unwrap_or_default(), request.url().path())
//! }
//! # pub fn check() {
//!
//! // in `mod tests`, after `use super::*`:
//! let plugin = test::start(vlugin(), "Alice");
//! assert_eq!(plugin.get("/home").text(), "Alice at /home");
//! # } }
//! # fn main() { plugin::check() }
//! ```

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::LocalSet;

use crate::http::{HeaderMap, Request, Response, StatusCode};
use crate::plugin::{Define, Serve};
use crate::{Context, Error, IntoRequest, Plugin, Vlugin};

type Stub = Rc<dyn Fn(Request) -> LocalBoxFuture<'static, Result<Response, Error>>>;

/// A plugin that was created and answers; its tasks run while a request does.
pub struct TestPlugin {
    // The order matters: tasks go before what they use.
    local: Rc<LocalSet>,
    serve: Rc<dyn Serve>,
    _define: Box<dyn Define>,
    runtime: Runtime,
    stub: Stub,
}

/// Creates the plugin with a configuration; `()` is none.
///
/// # Panics
///
/// When `on_create` fails; the message says why.
#[must_use]
pub fn start(plugin: Plugin, config: impl Serialize) -> TestPlugin {
    match try_start(plugin, config) {
        Ok(plugin) => plugin,
        #[expect(clippy::panic, reason = "a test kit; documented")]
        Err(error) => panic!("on_create failed: {error}"),
    }
}

/// Creates a [`Vlugin`].
///
/// # Panics
///
/// When its `on_create` fails.
#[must_use]
pub fn start_vlugin(vlugin: impl Vlugin, config: impl Serialize) -> TestPlugin {
    start(crate::plugin::vlugin(vlugin), config)
}

/// Creates the plugin, or says why `on_create` failed or panicked.
///
/// # Errors
///
/// The message that `valorctl register` would show.
pub fn try_start(Plugin(mut define): Plugin, config: impl Serialize) -> Result<TestPlugin, String> {
    let config = serde_json::to_value(config).map_err(|e| e.to_string())?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let local = Rc::new(LocalSet::new());
    let mut cx = Context::new("test", Some(config).filter(|c| !c.is_null()));
    let created = AssertUnwindSafe(define.create(&mut cx)).catch_unwind();
    match with_stub(&refuse(), &local, || local.block_on(&runtime, created)) {
        Ok(created) => created?,
        Err(panic) => return Err(format!("panicked: {}", panic_text(&*panic))),
    }
    let serve = define.worker(Arc::new(cx));
    Ok(TestPlugin { local, serve, _define: define, runtime, stub: refuse() })
}

impl TestPlugin {
    /// Answers each [`fetch`](crate::fetch) of the plugin with what `stub` returns. Without it every fetch is refused.
    #[must_use]
    pub fn stub_fetch<F, Fut>(mut self, stub: F) -> Self
    where
        F: Fn(Request) -> Fut + 'static,
        Fut: Future<Output = Result<Response, Error>> + 'static,
    {
        self.stub = Rc::new(move |request| stub(request).boxed_local());
        self
    }

    /// `GET path`.
    pub fn get(&self, path: &str) -> TestResponse {
        self.send(path)
    }

    /// `POST path` with a body.
    ///
    /// # Panics
    ///
    /// When `path` is none.
    pub fn post(&self, path: &str, body: impl Into<crate::http::Body>) -> TestResponse {
        self.send(Request::post(path, body).expect("a path"))
    }

    /// Sends any request and waits for the whole answer. A panic is a 500, as under valord.
    ///
    /// # Panics
    ///
    /// When it is no request.
    pub fn send(&self, request: impl IntoRequest) -> TestResponse {
        let request = request.into_request().expect("a request");
        let answer = async {
            let response = self.serve.serve(request).await;
            let (parts, mut body) = ::http::Response::from(response).into_parts();
            let mut answer = TestResponse {
                status: parts.status.into(),
                headers: parts.headers,
                chunks: Vec::new(),
                error: None,
            };
            loop {
                match body.chunk().await {
                    Ok(Some(chunk)) => answer.chunks.push(chunk),
                    Ok(None) => return answer,
                    Err(error) => {
                        answer.error = Some(error.to_string());
                        return answer;
                    }
                }
            }
        };
        let answer = AssertUnwindSafe(answer).catch_unwind();
        with_stub(&self.stub, &self.local, || self.local.block_on(&self.runtime, answer)).unwrap_or_else(
            |panic| TestResponse {
                status: StatusCode::InternalServerError,
                headers: HeaderMap::new(),
                chunks: Vec::new(),
                error: Some(format!("the handler panicked: {}", panic_text(&*panic))),
            },
        )
    }
}

impl fmt::Debug for TestPlugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestPlugin")
    }
}

/// What a plugin has answered.
#[derive(Debug, Clone)]
pub struct TestResponse {
    status: StatusCode,
    headers: HeaderMap,
    chunks: Vec<Bytes>,
    error: Option<String>,
}

impl TestResponse {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The header fields.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// A header's value, when it is there and text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, part by part as it came.
    #[must_use]
    pub fn chunks(&self) -> &[Bytes] {
        &self.chunks
    }

    /// The whole body.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        self.chunks.concat().into()
    }

    /// The whole body as text.
    ///
    /// # Panics
    ///
    /// When it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8(self.chunks.concat()).expect("a body of UTF-8")
    }

    /// The whole body as JSON.
    ///
    /// # Panics
    ///
    /// When it is not.
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.bytes()).expect("a body of such JSON")
    }

    /// Why the body ended early, or what the handler panicked with.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }
}

thread_local! {
    static STUB: RefCell<Option<(Stub, Rc<LocalSet>)>> = const { RefCell::new(None) };
}

/// What a test answers to this fetch, when one runs on this thread; else the request comes back. The answer is
/// `Send`, as a fetch has to be, though the stub is not.
#[expect(clippy::result_large_err, reason = "the request comes back; it is moved once either way")]
pub(crate) fn stubbed(request: Request) -> Result<oneshot::Receiver<Result<Response, Error>>, Request> {
    let Some((stub, local)) = STUB.with_borrow(Clone::clone) else {
        return Err(request);
    };
    let (sender, receiver) = oneshot::channel();
    drop(local.spawn_local(async move { drop(sender.send(stub(request).await)) }));
    Ok(receiver)
}

fn refuse() -> Stub {
    Rc::new(|request| {
        let reason = format!("{}: stub_fetch(..) says what a test's fetch answers", request.uri());
        async { Err(Error::Fetch(reason)) }.boxed_local()
    })
}

fn with_stub<T>(stub: &Stub, local: &Rc<LocalSet>, run: impl FnOnce() -> T) -> T {
    struct Restore(Option<(Stub, Rc<LocalSet>)>);
    impl Drop for Restore {
        fn drop(&mut self) {
            STUB.set(self.0.take());
        }
    }
    let _restore = Restore(STUB.replace(Some((stub.clone(), local.clone()))));
    run()
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
