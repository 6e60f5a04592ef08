//! Components of the world `wasi:http/proxy`: an instance a request, out of a pool, on as many workers as there are.
//!
//! ```text
//! wire ─► worker (callbacks of the pump) ─► request (a task, a store, an instance) ─► the component
//! wire ◄─ Gate (an exchange and who waits for it) ◄─ bodies, fetches ◄────┘
//! ```
//!
//! Code that works for long lets its neighbours have a turn at every tick, and is dropped when valord cancels its request.

mod body;
mod fetch;
mod gate;
mod pool;
mod ready;
mod request;
mod state;
mod worker;

use std::sync::Arc;

use tokio::sync::Semaphore;
use valor_shim_core::program::{Failure, Files, News, Plan, Teller, Workers};
use valor_shim_core::wire::control::Step;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi_http::p2::bindings::ProxyPre;

use crate::load;
use crate::memory::Budget;
use crate::serve::ready;
use crate::ticker::Ticker;
use state::State;

/// Of a worker; components run on stacks of the pool.
const STACK: usize = 2 << 20;

/// What instances are made of.
pub(crate) struct Recipe {
    pre: ProxyPre<State>,
    ticker: Ticker,
    budget: Arc<Budget>,
    /// One for each instance that the pool has room for.
    places: Semaphore,
    name: String,
    environment: Vec<(String, String)>,
    files: Files,
}

/// Maps the code again, for an engine with a pool of the size that it needs; starts the workers and closes the sandbox. The result is
/// how many workers there are.
pub(crate) fn start(code: &Component, mut plan: Plan, teller: &Teller) -> Result<usize, Failure> {
    let load = Failure::at(Step::Load);
    let failed = |error: wasmtime::Error| load(format!("{error:#}"));
    let (config, places, reserved) = pool::config(code);
    let component = load::component(&plan.artifact, &config).map_err(load)?;
    let mut linker = Linker::<State>::new(component.engine());
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).map_err(failed)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).map_err(failed)?;
    let pre = linker.instantiate_pre(&component).and_then(ProxyPre::new).map_err(failed)?;
    let ticker = Ticker::start(component.engine()).map_err(load)?;
    let files = state::directories(&plan.files, teller);
    let environment = state::environment(&plan);
    let budget = Budget::new(plan.memory, reserved);
    let places = Semaphore::new(places);
    let (mut workers, shares) = (Workers::default(), plan.deal(plan.workers.max(1)));
    let recipe = Arc::new(Recipe { pre, ticker, budget, places, name: plan.name, environment, files });

    for sockets in shares {
        let (recipe, teller) = (Arc::clone(&recipe), teller.clone());
        workers.spawn(STACK, move || {
            teller.tell(match worker::run(&recipe, sockets, &teller) {
                Ok(()) => News::Done,
                Err(error) => News::Broken(format!("a worker cannot go on: {error}")),
            });
        })?;
    }
    let count = workers.begin(plan.seal)?;
    teller.tell(ready());
    Ok(count)
}
