//! The life of one request: its instance, and its answer.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::sync::oneshot;
use valor_shim_core::program::Teller;
use valor_shim_core::serve::Refused;
use valor_shim_core::wire::ResetCode;
use valor_shim_core::wire::control::LogLevel;
use wasmtime::{Store, Trap, UpdateDeadline};
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::{WasiBody, WasiHttpView as _};

use super::Recipe;
use super::body::Incoming;
use super::gate::{Gate, Gates};
use super::state::State;
use crate::ticker::Ticker;

type Answer = Result<http::Response<WasiBody>, ErrorCode>;

/// Serves it until it is answered and its code has come to its end, or nobody wants the answer.
pub(super) async fn serve(
    recipe: Arc<Recipe>,
    gates: Arc<Gates>,
    gate: Arc<Gate>,
    request: http::Request<Incoming>,
    teller: Teller,
) {
    let work = work(&recipe, gates, &gate, request);
    let failure = tokio::select! {
        biased;
        () = gate.cancelled() => return,
        result = work => result.err(),
    };
    if let Some(Failure { code, why, backtrace }) = failure {
        gate.exchange.reset(code, &why);
        let line = if backtrace.is_empty() { why } else { format!("{why}\n{}", backtrace.trim_end()) };
        teller.log().log(LogLevel::Error, "valor", &line);
    }
}

/// Why there is no answer, or no end of it.
struct Failure {
    code: ResetCode,
    why: String,
    backtrace: String,
}

async fn work(
    recipe: &Recipe,
    gates: Arc<Gates>,
    gate: &Arc<Gate>,
    request: http::Request<Incoming>,
) -> Result<(), Failure> {
    let internal = |error: wasmtime::Error| failed(format!("{error:#}"), ResetCode::Internal);
    let Ok(_place) = recipe.places.acquire().await else { return Ok(()) };
    let state = State::new(recipe, gates, Arc::clone(gate)).map_err(internal)?;
    let mut store = Store::new(recipe.pre.engine(), state);
    store.limiter(|state| &mut state.share);
    store.set_epoch_deadline(1);
    // It goes on when the others, and the sockets, have had their turn.
    store.epoch_deadline_callback(|_| Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))));
    let (sender, receiver) = oneshot::channel::<Answer>();
    let request = store.data_mut().http().new_incoming_request(Scheme::Http, request).map_err(internal)?;
    let out = store.data_mut().http().new_response_outparam(sender).map_err(internal)?;

    let ran = async {
        let result = async {
            let proxy = recipe.pre.instantiate_async(&mut store).await?;
            proxy.wasi_http_incoming_handler().call_handle(&mut store, request, out).await
        }
        .await;
        // The store lives on: bodies that it has not ended must not look as if it had.
        (result, store)
    };
    let mut ran = pin!(Counted { inner: Box::pin(ran), ticker: &recipe.ticker });
    let mut answered = pin!(answer(gate, receiver));
    let mut sent = None;
    let store = loop {
        tokio::select! {
            biased;
            (result, store) = &mut ran => {
                if let Err(error) = result {
                    return Err(fallen(&error, &store, recipe.budget.limit()));
                }
                break store;
            }
            result = &mut answered, if sent.is_none() => sent = Some(result),
        }
    };
    // Whoever waits for what the guest has left behind hears that nothing follows.
    drop(store);
    match sent {
        Some(result) => result,
        None => answered.await,
    }
}

/// Sends what the component answers.
async fn answer(gate: &Gate, receiver: oneshot::Receiver<Answer>) -> Result<(), Failure> {
    let response = match receiver.await {
        Ok(Ok(response)) => response,
        Ok(Err(code)) => {
            return Err(failed(format!("the component answered with an error: {code:?}"), ResetCode::Failed));
        }
        Err(_) => return Err(failed("the component has set no response", ResetCode::NoAnswer)),
    };
    let (head, mut body) = response.into_parts();
    // What is there already goes with the head.
    let mut first = None;
    let mut end = false;
    while let Poll::Ready(frame) = futures_poll(&mut body).await {
        match frame {
            None => {
                end = true;
                break;
            }
            Some(Ok(frame)) => {
                if let Ok(part) = frame.into_data()
                    && !part.is_empty()
                {
                    match &mut first {
                        None => first = Some(part),
                        Some(first) => {
                            *first = [&first[..], &part[..]].concat().into();
                        }
                    }
                }
                if first.as_ref().is_some_and(|first: &Bytes| first.len() >= 16 * 1024) {
                    break;
                }
            }
            Some(Err(error)) => {
                return Err(failed(format!("the component has broken off: {error}"), ResetCode::Failed));
            }
        }
    }
    let fields = head.headers.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()));
    match gate.exchange.respond(head.status.as_u16(), fields, &mut first, end) {
        Ok(()) => {}
        Err(Refused::Cancelled) => return Ok(()),
        Err(_) => {
            let why = format!(
                "the response's head cannot be sent: status {}, {} fields",
                head.status,
                head.headers.len()
            );
            return Err(failed(why, ResetCode::Failed));
        }
    }
    if end {
        return Ok(());
    }
    match gate.send(&mut body).await {
        Ok(()) | Err(None) => Ok(()),
        Err(Some(error)) => Err(failed(format!("the component has broken off: {error}"), ResetCode::Failed)),
    }
}

/// Whether a frame is there, without waiting for one.
async fn futures_poll(
    body: &mut WasiBody,
) -> Poll<Option<Result<http_body::Frame<Bytes>, wasmtime_wasi_http::Error>>> {
    let mut frame = pin!(body.frame());
    std::future::poll_fn(|cx| Poll::Ready(frame.as_mut().poll(cx))).await
}

fn failed(why: impl Into<String>, code: ResetCode) -> Failure {
    Failure { code, why: why.into(), backtrace: String::new() }
}

/// What has gone wrong in the component, and where.
fn fallen(error: &wasmtime::Error, store: &Store<State>, limit: usize) -> Failure {
    let why = match error.downcast_ref::<Trap>() {
        _ if store.data().share.refused => {
            format!("it has used up its memory limit: its instances may take {} MiB together", limit >> 20)
        }
        Some(trap) => format!("it has trapped: {}", trap.to_string().trim_start_matches("wasm trap: ")),
        None => format!("it has failed: {}", error.root_cause()),
    };
    let backtrace =
        error.downcast_ref::<wasmtime::WasmBacktrace>().map(ToString::to_string).unwrap_or_default();
    Failure { code: ResetCode::Internal, why, backtrace }
}

/// Counts as running whenever it is polled.
struct Counted<'a, F> {
    inner: Pin<Box<F>>,
    ticker: &'a Ticker,
}

impl<F: Future> Future for Counted<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let ticker = self.ticker;
        let _running = ticker.run();
        self.inner.as_mut().poll(cx)
    }
}
