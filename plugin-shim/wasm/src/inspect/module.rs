//! Is a core module a plugin?

use valor_abi::message::{EXPORTS, MODULE, NOW, RANDOM, SEND};
use valor_shim_core::inspect::{Problem, problem};

use super::culprit;
use super::facts::Facts;

/// What the module is given.
const IMPORTS: [(&str, &str); 3] = [(MODULE, SEND), (MODULE, NOW), (MODULE, RANDOM)];
const BUILD: &str =
    "annotate a function with #[vlugin] and build a cdylib with --target wasm32-unknown-unknown";

pub(super) fn judge(facts: &Facts<'_>) -> Result<(), Problem> {
    let ours = |name: &&str| facts.exports.contains(name);
    if !EXPORTS[1..].iter().any(ours) {
        return Err(no_plugin(facts));
    }
    if let Some(import) = facts.imports.iter().find(|import| !IMPORTS.contains(import)) {
        return Err(culprit::of(*import, facts.names));
    }
    if let Some(missing) = EXPORTS.iter().find(|name| !ours(name)) {
        let message = format!("it exports no `{missing}`, which the message ABI of valor asks for");
        return Err(problem("entry", message, BUILD));
    }
    Ok(())
}

/// It was not made for valor: for what, then?
fn no_plugin(facts: &Facts<'_>) -> Problem {
    let imports = |part: &str| facts.imports.iter().any(|(module, _)| module.starts_with(part));
    if facts.exports.iter().any(|name| name.starts_with("wasi:")) || imports("wasi:") {
        return problem(
            "entry",
            "it is the core module of a component, not the component itself",
            "wrap it with `wasm-tools component new`, or build with --target wasm32-wasip2, which does it",
        );
    }
    if imports("wasi_") {
        return problem(
            "entry",
            "it is a module for WASI preview 1, which has no way to be asked over HTTP",
            "build a component of the world wasi:http/proxy with --target wasm32-wasip2, or a #[vlugin] with --target \
             wasm32-unknown-unknown",
        );
    }
    problem("entry", "it exports no `valor_receive`, so it is not a plugin", BUILD)
}
