//! Maps machine code. Nothing else of this crate that is `unsafe` has to do with the plugin.
//!
//! Wasmtime trusts what it maps: whoever writes that file writes machine code. It is sound because only valord hands over an
//! artifact, and it hands over nothing but what its own `compile` one-shot of this very program has written, kept by the hash of
//! the input and [the key of the engine](crate::settings::fingerprint), and verified by hash before each start; nobody else can
//! write to the store, and the sandbox binds the file read-only. Wasmtime itself compares version, settings and processor. And
//! were all of that wrong, the code would still run behind every layer of the sandbox, as that of a native plugin does.

#![expect(unsafe_code, reason = "machine code is mapped, see above")]

use std::path::Path;

use wasmtime::component::Component;
use wasmtime::{Config, Engine, Module, Precompiled};

/// A plugin in machine code.
pub(crate) enum Code {
    Module(Module),
    /// Only that it is one: it is mapped again for an engine with a pool of its size.
    Component(Component),
}

/// The artifact, whichever it is, for an engine of plain settings.
pub(crate) fn code(path: &Path, config: &Config) -> Result<Code, String> {
    let engine = Engine::new(config).map_err(|error| format!("there is no engine here: {error:#}"))?;
    let stale = |error| format!("{error:#}: restart valord, which compiles the plugin again");
    match Engine::detect_precompiled_file(path).map_err(stale)? {
        Some(Precompiled::Module) => {
            // SAFETY: see the module's words.
            unsafe { Module::deserialize_file(&engine, path) }.map(Code::Module).map_err(stale)
        }
        Some(Precompiled::Component) => component(path, config).map(Code::Component),
        None => {
            Err("the plugin's file is not what `valor-shim-wasm compile` writes: register it again"
                .to_owned())
        }
    }
}

/// A component, for an engine of these settings.
pub(crate) fn component(path: &Path, config: &Config) -> Result<Component, String> {
    let engine = Engine::new(config).map_err(|error| format!("there is no engine here: {error:#}"))?;
    // SAFETY: see the module's words.
    unsafe { Component::deserialize_file(&engine, path) }
        .map_err(|error| format!("{error:#}: restart valord, which compiles the plugin again"))
}
