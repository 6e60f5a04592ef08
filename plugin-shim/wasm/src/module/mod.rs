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

use valor_shim_core::program::{Failure, Plan, Teller, Workers};
use valor_shim_core::wire::control::Step;
use wasmtime::{InstancePre, Linker, Module};

use crate::memory::Budget;
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
pub(crate) fn start(module: &Module, plan: Plan, teller: &Teller) -> Result<usize, Failure> {
    let load = Failure::at(Step::Load);
    let mut linker = Linker::new(module.engine());
    host::imports(&mut linker).map_err(|error| load(format!("{error:#}")))?;
    let pre = linker.instantiate_pre(module).map_err(|error| load(format!("{error:#}")))?;
    let ticker = Ticker::start(module.engine()).map_err(load)?;
    let config = if plan.config == "null" { String::new() } else { plan.config };
    let recipe = Recipe { pre, ticker, budget: Budget::new(plan.memory, 0), name: plan.name, config };
    let (mut workers, own, sockets) = (Workers::default(), teller.clone(), plan.sockets);
    workers.spawn(STACK, move || worker::run(recipe, sockets, &own))?;
    workers.begin(plan.seal)
}
