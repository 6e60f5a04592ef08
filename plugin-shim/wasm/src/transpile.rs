//! `valor-shim-wasm transpile < COMPONENT > FILES`: a component as JavaScript and core modules, for browsers.

use js_component_bindgen::{
    AsyncMode, BindingsMode, InstantiationMode, TranspileOpts, transpile as to_javascript,
};
use valor_shim_core::one_shot::{Bounds, OneShotError, run};
use valor_shim_core::wire::files;

use crate::inspect::{self, Kind};

/// As it names itself; `Cargo.toml` pins the same. With its options below it is part of the engine's key.
pub(crate) const TRANSPILER: &str = "js-component-bindgen-2.10.0+1";

/// A large component takes a second of the processor.
const BOUNDS: Bounds = Bounds { seconds: 60, memory: 4 << 30, answer: 256 << 20 };

/// What a guest may wait in. Names match without versions.
const WAITS: &[&str] = &[
    "wasi:io/poll#poll",
    "wasi:io/poll#[method]pollable.block",
    "wasi:io/streams#[method]input-stream.blocking-read",
    "wasi:io/streams#[method]input-stream.blocking-skip",
    "wasi:io/streams#[method]output-stream.blocking-flush",
    "wasi:io/streams#[method]output-stream.blocking-write-and-flush",
    "wasi:io/streams#[method]output-stream.blocking-write-zeroes-and-flush",
    "wasi:io/streams#[method]output-stream.blocking-splice",
];
/// What may wait: without it the first wait throws, and the instance is dead.
const HANDLER: &str = "wasi:http/incoming-handler#handle";

/// The one-shot `transpile`.
///
/// # Errors
///
/// When the file is no component that is a plugin, or cannot be transpiled; the text says why.
pub fn transpile() -> Result<(), OneShotError> {
    run(&[], BOUNDS, |artifact| to_files(&artifact))
}

/// `plugin.js` first, then the core modules that it asks for by their names: [`files`].
///
/// # Errors
///
/// As [`transpile`].
pub fn to_files(artifact: &[u8]) -> Result<Vec<u8>, String> {
    if let Some(problem) = inspect::look(artifact, String::new()).problem {
        return Err(format!("{}: {}", problem.message, problem.cure));
    }
    if inspect::kind(artifact) != Some(Kind::Component) {
        return Err("it is a core module, which browsers take as it is".to_owned());
    }
    let made = to_javascript(artifact, options())
        .map_err(|error| format!("it cannot be transpiled for browsers: {error:#}"))?;
    let mut made = made.files;
    made.sort_by_key(|(name, _)| (name != "plugin.js", name.clone()));
    let made = made.iter().map(|(name, content)| (name.as_str(), content.as_slice()));
    files::write(made).map_err(|error| format!("what was made of it for browsers cannot be kept: {error}"))
}

/// Instances are made by hand, one a request; a guest that waits is suspended by JSPI.
fn options() -> TranspileOpts {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    TranspileOpts::builder()
        .name("plugin".to_owned())
        .instantiation_mode(InstantiationMode::Async)
        .import_bindings(BindingsMode::Js)
        .async_mode(AsyncMode::JavaScriptPromiseIntegration {
            imports: names(WAITS),
            exports: names(&[HANDLER]),
        })
        .no_typescript(true)
        .nodejs_compat_disabled(true)
        .no_component_error_wrapping(true)
        .no_namespaced_exports(true)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transpiler_is_named_as_it_is() {
        let manifest = include_str!("../../../Cargo.toml");
        let (name, rest) = TRANSPILER.split_at("js-component-bindgen".len());
        let version = rest.trim_start_matches('-').split('+').next().unwrap();
        assert!(manifest.contains(&format!("{name} = \"={version}\"")));
    }

    #[test]
    fn only_components_of_the_right_world_are_transpiled() {
        for (text, expected) in [("(module)", ""), ("(component)", "it is a component for another world")] {
            let refused = to_files(&wat::parse_str(text).unwrap()).unwrap_err();
            assert!(refused.contains(expected), "{refused}");
        }
        assert!(to_files(b"export default {}").unwrap_err().contains("it is not WebAssembly"));
    }
}
