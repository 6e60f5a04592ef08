//! `valor-shim-wasm compile < FILE > CWASM`: machine code, made in a process that has given up everything.

use valor_shim_core::one_shot::{Bounds, OneShotError, run};
use wasmtime::{CodeBuilder, Engine};

use crate::inspect::{self, Kind};
use crate::settings;

/// A large plugin takes a few seconds of the processor; what is made to take long ends here.
const BOUNDS: Bounds = Bounds { seconds: 120, memory: 4 << 30, answer: 1 << 30 };

/// The one-shot `compile`.
///
/// # Errors
///
/// When the file is no plugin, or cannot be compiled; the text says why.
pub fn compile() -> Result<(), OneShotError> {
    run(&[], BOUNDS, |artifact| to_machine_code(&artifact))
}

/// What a serving process maps.
///
/// # Errors
///
/// As [`compile`].
pub fn to_machine_code(artifact: &[u8]) -> Result<Vec<u8>, String> {
    if let Some(problem) = inspect::look(artifact, String::new()).problem {
        return Err(format!("{}: {}", problem.message, problem.cure));
    }
    let failed = |error: wasmtime::Error| format!("it cannot be compiled: {error:#}");
    let engine = Engine::new(&settings::config()).map_err(failed)?;
    let mut builder = CodeBuilder::new(&engine);
    builder.wasm_binary(artifact, None).map_err(failed)?;
    match inspect::kind(artifact) {
        Some(Kind::Component) => builder.compile_component_serialized(),
        _ => builder.compile_module_serialized(),
    }
    .map_err(failed)
}
