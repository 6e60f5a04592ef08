//! Core modules: one instance a process, on one worker, over the message ABI of [`valor_abi::message`].
//!
//! ```text
//! wire ─► Worker (callbacks of the pump) ─► Host.out ─► valor_receive ─► guest
//! wire ◄─ Exchange ◄──────────────── Host (checks every frame) ◄─ send ◄───┘
//! ```
//!
//! What the guest sends is acted upon within `send`; what that leaves for the guest is delivered when its call has returned.

mod guest;
mod held;
mod host;
mod worker;

use std::sync::mpsc::sync_channel;
use std::thread::Builder;

use valor_shim_core::program::Plan;
use valor_shim_core::wire::control::Step;
use wasmtime::{InstancePre, Linker, Module};

use crate::memory::Budget;
use crate::serve::{News, Teller};
use crate::ticker::Ticker;
use host::Host;

/// Of the worker: wasm has its own part of it (`max_wasm_stack`).
const STACK: usize = 4 << 20;

/// What instances are made of.
pub(crate) struct Recipe {
    pre: InstancePre<Host>,
    ticker: Ticker,
    budget: std::sync::Arc<Budget>,
    name: String,
    config: String,
}

/// Starts the worker, closes the sandbox, and lets the worker create the plugin.
pub(crate) fn start(module: &Module, plan: Plan, teller: &Teller) -> Result<(), (Step, String)> {
    let load = |message: String| (Step::Load, message);
    let mut linker = Linker::new(module.engine());
    host::imports(&mut linker).map_err(|error| load(format!("{error:#}")))?;
    let pre = linker.instantiate_pre(module).map_err(|error| load(format!("{error:#}")))?;
    let ticker = Ticker::start(module.engine()).map_err(load)?;
    let config = if plan.config == "null" { String::new() } else { plan.config };
    let recipe = Recipe { pre, ticker, budget: Budget::new(plan.memory, 0), name: plan.name, config };
    let (go, begin) = sync_channel::<()>(1);
    let (own, sockets) = (teller.clone(), plan.sockets);
    let thread = Builder::new().name("worker-0".to_owned()).stack_size(STACK).spawn(move || {
        // Fails when the start has, and the process ends.
        if begin.recv().is_ok() {
            worker::run(recipe, sockets, &own);
        }
    });
    thread.map_err(|error| {
        load(format!(
            "cannot start the worker thread: {error}: raise the plugin's limits of threads or memory"
        ))
    })?;
    (plan.seal)().map_err(|message| (Step::Seal, message))?;
    // Fails only when the thread is gone, which it cannot be yet.
    let _sent: Result<(), _> = go.send(());
    Ok(())
}

impl Recipe {
    fn failed(teller: &Teller, step: Step, message: String) {
        teller.tell(News::Failed(step, message));
    }
}
