//! A plugin as the engines see it: created once, then served by every worker.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tower_service::Service;

use crate::handler::{Creator, Handler, MakeService};
use crate::http::{self, Body, BoxError, Request, Response, StatusCode};
use crate::{Context, Error, Message, Vlugin};

/// A plugin that was not created yet: what `vlugin()`, which `#[vlugin]` writes, returns. [`test::start`](crate::test::start)
/// takes it.
pub struct Plugin(pub(crate) Box<dyn Define>);

/// One plugin, made once in a process.
pub(crate) trait Define: Send + Sync {
    /// `on_create`, on worker 0.
    fn create<'a>(&'a mut self, cx: &'a mut Context) -> LocalBoxFuture<'a, Result<(), String>>;
    /// What one worker, this thread, serves with.
    fn worker(&self, cx: Arc<Context>) -> Rc<dyn Serve>;
}

/// One plugin on one worker.
pub(crate) trait Serve {
    fn serve(&self, request: Request) -> LocalBoxFuture<'static, Response>;
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plugin")
    }
}

/// `on_create` and `on_request`.
pub fn functions<C, R, M, N>(on_create: C, on_request: R) -> Plugin
where
    C: Creator<M>,
    R: Handler<N>,
    M: 'static,
    N: 'static,
{
    Plugin(Box::new(Functions { on_create, on_request, shapes: PhantomData }))
}

struct Functions<C, R, M, N> {
    on_create: C,
    on_request: R,
    shapes: PhantomData<fn(M, N)>,
}

impl<C, R, M, N> Define for Functions<C, R, M, N>
where
    C: Creator<M>,
    R: Handler<N>,
    M: 'static,
    N: 'static,
{
    fn create<'a>(&'a mut self, cx: &'a mut Context) -> LocalBoxFuture<'a, Result<(), String>> {
        self.on_create.create(cx)
    }

    fn worker(&self, cx: Arc<Context>) -> Rc<dyn Serve> {
        Rc::new(Function { on_request: self.on_request, cx: Rc::new(cx), shape: PhantomData })
    }
}

struct Function<R, N> {
    on_request: R,
    #[expect(
        clippy::redundant_allocation,
        reason = "the count of the `Arc` would be one cache line for all workers"
    )]
    cx: Rc<Arc<Context>>,
    shape: PhantomData<fn(N)>,
}

impl<R: Handler<N>, N> Serve for Function<R, N> {
    fn serve(&self, request: Request) -> LocalBoxFuture<'static, Response> {
        self.on_request.call(self.cx.clone(), request)
    }
}

/// `on_create` and `service`.
pub fn service<C, F, M, N, S, B>(on_create: C, make: F) -> Plugin
where
    C: Creator<M>,
    F: MakeService<N, Service = S>,
    S: Service<::http::Request<Body>, Response = ::http::Response<B>, Error: Into<BoxError>, Future: 'static>,
    S: Clone + Send + 'static,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    M: 'static,
    N: 'static,
{
    Plugin(Box::new(Made { on_create, make, made: Mutex::new(None), shapes: PhantomData }))
}

/// The service is made once, so that its state is one, and cloned for every worker.
struct Made<C, F, M, N, S> {
    on_create: C,
    make: F,
    made: Mutex<Option<S>>,
    shapes: PhantomData<fn(M, N)>,
}

impl<C, F, M, N, S, B> Define for Made<C, F, M, N, S>
where
    C: Creator<M>,
    F: MakeService<N, Service = S>,
    S: Service<::http::Request<Body>, Response = ::http::Response<B>, Error: Into<BoxError>, Future: 'static>,
    S: Clone + Send + 'static,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    M: 'static,
    N: 'static,
{
    fn create<'a>(&'a mut self, cx: &'a mut Context) -> LocalBoxFuture<'a, Result<(), String>> {
        async move {
            self.on_create.create(cx).await?;
            *self.made.get_mut().unwrap_or_else(PoisonError::into_inner) = Some(self.make.make(cx).await);
            Ok(())
        }
        .boxed_local()
    }

    fn worker(&self, _cx: Arc<Context>) -> Rc<dyn Serve> {
        Rc::new(OneService(self.made.lock().unwrap_or_else(PoisonError::into_inner).clone()))
    }
}

struct OneService<S>(Option<S>);

impl<S, B> Serve for OneService<S>
where
    S: Service<::http::Request<Body>, Response = ::http::Response<B>, Error: Into<BoxError>, Future: 'static>,
    S: Clone + Send + 'static,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    fn serve(&self, request: Request) -> LocalBoxFuture<'static, Response> {
        let service = self.0.clone();
        async move {
            let Some(mut service) = service else {
                return http::Error::from_str(StatusCode::InternalServerError, "the service was not made")
                    .into();
            };
            let answer = async {
                poll_fn(|cx| service.poll_ready(cx)).await?;
                service.call(request.into()).await
            };
            match answer.await {
                Ok(response) => response.into(),
                Err(error) => http::Error::new(StatusCode::InternalServerError, error).into(),
            }
        }
        .boxed_local()
    }
}

/// A [`Vlugin`].
pub fn vlugin<V: Vlugin>(vlugin: V) -> Plugin {
    Plugin(Box::new(Whole(Arc::new(vlugin))))
}

struct Whole<V>(Arc<V>);

impl<V: Vlugin> Define for Whole<V> {
    fn create<'a>(&'a mut self, cx: &'a mut Context) -> LocalBoxFuture<'a, Result<(), String>> {
        async move {
            let Some(vlugin) = Arc::get_mut(&mut self.0) else {
                return Err("created twice".to_owned());
            };
            vlugin.on_create(cx).await.map_err(|error| error.to_string())
        }
        .boxed_local()
    }

    fn worker(&self, cx: Arc<Context>) -> Rc<dyn Serve> {
        Rc::new(OneVlugin(Rc::new((self.0.clone(), cx))))
    }
}

struct OneVlugin<V>(Rc<(Arc<V>, Arc<Context>)>);

impl<V: Vlugin> Serve for OneVlugin<V> {
    fn serve(&self, request: Request) -> LocalBoxFuture<'static, Response> {
        let both = self.0.clone();
        async move {
            let (vlugin, cx) = &*both;
            match vlugin.on_msg(cx, Message::Http(request)).await {
                Ok(answer) => answer.into(),
                Err(Error::Http(error)) => error.into(),
                Err(error) => http::Error::from(error).into(),
            }
        }
        .boxed_local()
    }
}
