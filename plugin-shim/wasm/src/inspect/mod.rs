//! What can be told about a module or a component without running it: `valor-shim-wasm inspect < FILE`.

mod component;
mod culprit;
mod facts;
mod module;

use valor_abi::message;
use valor_shim_core::inspect::{Inspection, Problem, check_manifest, one_shot, parse_manifest, problem};
use valor_shim_core::one_shot::OneShotError;
use wasmtime::Engine;

use crate::settings;
use facts::Facts;
pub(crate) use facts::{Kind, kind};

/// The version of the message ABI that this shim speaks.
const ABI: u64 = message::VERSION.unsigned_abs() as u64;

/// The one-shot of WebAssembly.
///
/// # Errors
///
/// When it cannot be done at all; what is wrong with the file is no error, but a problem of it.
pub fn inspect() -> Result<(), OneShotError> {
    let key = Engine::new(&settings::config()).map(|engine| settings::fingerprint(&engine));
    let key = key.map_err(|error| OneShotError::Work(format!("{error:#}")))?;
    one_shot(&[], |artifact| look(artifact, key))
}

/// Everything about one file; `engine`: what it is to be compiled for.
pub(crate) fn look(artifact: &[u8], engine: String) -> Inspection {
    let word = if kind(artifact) == Some(Kind::Component) { "wasi" } else { "wasm" };
    let mut inspection = Inspection { kind: word, engine: Some(engine), ..Inspection::default() };
    inspection.problem = judge(artifact, &mut inspection).err();
    inspection
}

fn judge(artifact: &[u8], inspection: &mut Inspection) -> Result<(), Problem> {
    if kind(artifact).is_none() {
        let cure = "send the .wasm file that cargo build --target wasm32-unknown-unknown or wasm32-wasip2 leaves behind";
        return Err(problem(
            "format",
            "it is not WebAssembly: it does not begin with `\\0asm` and a version",
            cure,
        ));
    }
    let facts = Facts::of(artifact).map_err(|error| {
        let message = format!("it is truncated, damaged or of a newer WebAssembly: {error}");
        problem("format", message, "build it again and send it whole")
    })?;
    let manifest = facts.manifest.map(parse_manifest).transpose();
    inspection.manifest = manifest.clone().unwrap_or_default();
    match facts.kind {
        Kind::Module => module::judge(&facts)?,
        Kind::Component => component::judge(&facts)?,
    }
    check_manifest(inspection.manifest.as_ref(), manifest, "valor-shim-wasm", ABI)
}

#[cfg(test)]
mod tests;
