//! Serving one plugin.

use std::process::ExitCode;

use valor_shim_core::control::{Listener, Reporter};
use valor_shim_core::program::{self, Failure, News, Plan};
use valor_shim_core::wire::control::Step;

use crate::load::{self, Code};
use crate::{component, module, settings};

/// What the plugin is built for, and what runs it.
pub(crate) fn ready() -> News {
    let sdk = concat!("wasmtime 48.0.8, valor-shim-wasm ", env!("CARGO_PKG_VERSION"));
    News::Ready { abi: 1, sdk: sdk.to_owned() }
}

/// Serves the plugin until valord wants no more of it. When it returns, workers may still be at work: end the process.
pub fn serve(plan: Plan, listener: &mut Listener, reporter: &Reporter) -> ExitCode {
    let begin = |teller: &_| match load::code(&plan.artifact, &settings::config())
        .map_err(Failure::at(Step::Load))?
    {
        Code::Module(code) => module::start(&code, plan, teller),
        Code::Component(code) => component::start(&code, plan, teller),
    };
    program::attend(begin, listener, reporter, "valor-shim-wasm").into()
}
