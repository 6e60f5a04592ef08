//! Which functions `#[vlugin]` accepts. Each shape has a marker type, so that the impls do not overlap.

use std::fmt::Display;
use std::rc::Rc;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::Context;
use crate::http::{IntoResponse, Request, Response};

/// A function that answers requests.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no `on_request` that valor can call",
    label = "no handler of requests",
    note = "expected `async fn on_request(request: http::Request) -> O`",
    note = "or `async fn on_request(cx: &Context, request: http::Request) -> O`",
    note = "where `O` is `http::Response`, `http::Result<http::Response>`, text, or anything else that is `http::IntoResponse`"
)]
pub trait Handler<Marker>: Copy + Send + Sync + 'static {
    /// Calls it; the future is boxed once, here.
    fn call(self, cx: Rc<Arc<Context>>, request: Request) -> LocalBoxFuture<'static, Response>;
}

impl<F, O> Handler<(Context, O)> for F
where
    F: AsyncFn(&Context, Request) -> O + Copy + Send + Sync + 'static,
    O: IntoResponse,
{
    fn call(self, cx: Rc<Arc<Context>>, request: Request) -> LocalBoxFuture<'static, Response> {
        async move { self(&cx, request).await.into_response() }.boxed_local()
    }
}

impl<F, O> Handler<((), O)> for F
where
    F: AsyncFn(Request) -> O + Copy + Send + Sync + 'static,
    O: IntoResponse,
{
    fn call(self, _cx: Rc<Arc<Context>>, request: Request) -> LocalBoxFuture<'static, Response> {
        async move { self(request).await.into_response() }.boxed_local()
    }
}

/// A function that creates the plugin's state.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no `on_create` that valor can call",
    label = "does not create a vlugin",
    note = "expected `async fn on_create(cx: &mut Context)`",
    note = "or `async fn on_create(cx: &mut Context) -> Result<(), E>`, where `E` can be displayed"
)]
pub trait Creator<Marker>: Copy + Send + Sync + 'static {
    /// Calls it.
    fn create(self, cx: &mut Context) -> LocalBoxFuture<'_, Result<(), String>>;
}

impl<F, O> Creator<(O,)> for F
where
    F: AsyncFn(&mut Context) -> O + Copy + Send + Sync + 'static,
    O: Outcome,
{
    fn create(self, cx: &mut Context) -> LocalBoxFuture<'_, Result<(), String>> {
        async move { self(cx).await.outcome() }.boxed_local()
    }
}

/// What `on_create` may return.
#[diagnostic::on_unimplemented(
    message = "`on_create` returns nothing or a `Result<(), E>`",
    label = "`{Self}` is neither"
)]
pub trait Outcome {
    /// The failure in words.
    fn outcome(self) -> Result<(), String>;
}

impl Outcome for () {
    fn outcome(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: Display> Outcome for Result<(), E> {
    fn outcome(self) -> Result<(), String> {
        // `#` prints the chain of an `anyhow::Error`.
        self.map_err(|error| format!("{error:#}"))
    }
}

/// A function that makes a `tower::Service`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no `service` that valor can call",
    label = "does not make a service",
    note = "expected `fn service(cx: &Context) -> S` (or an `async fn`)",
    note = "where `S` is a `tower::Service<::http::Request<valor::http::Body>>`, `Clone` and `Send`: an axum `Router`, for example"
)]
pub trait MakeService<Marker>: Copy + Send + Sync + 'static {
    /// What it makes.
    type Service;
    /// Calls it.
    fn make(self, cx: &Context) -> LocalBoxFuture<'_, Self::Service>;
}

impl<F, S> MakeService<((), S)> for F
where
    F: Fn(&Context) -> S + Copy + Send + Sync + 'static,
    S: tower_service::Service<::http::Request<crate::http::Body>> + 'static,
{
    type Service = S;

    fn make(self, cx: &Context) -> LocalBoxFuture<'_, S> {
        async move { self(cx) }.boxed_local()
    }
}

impl<F, S> MakeService<(Context, S)> for F
where
    F: AsyncFn(&Context) -> S + Copy + Send + Sync + 'static,
    S: tower_service::Service<::http::Request<crate::http::Body>> + 'static,
{
    type Service = S;

    fn make(self, cx: &Context) -> LocalBoxFuture<'_, S> {
        async move { self(cx).await }.boxed_local()
    }
}

/// What stands in for the functions that an author has not written: `#[vlugin]` imports these by a glob, which the
/// author's own items shadow.
pub mod defaults {
    use crate::Context;

    /// Nothing to create.
    pub async fn on_create(_cx: &mut Context) {}

    /// The type says it in the compiler's message.
    #[derive(Debug, Clone, Copy)]
    pub struct OnRequestIsMissing;

    /// Missing.
    #[expect(non_upper_case_globals, reason = "stands where a function is expected")]
    pub const on_request: OnRequestIsMissing = OnRequestIsMissing;
}
