//! Is a component a plugin?

use valor_shim_core::inspect::{Problem, problem};

use super::facts::Facts;

const HANDLER: &str = "wasi:http/incoming-handler@0.2.";
/// The packages that are provided, all interfaces of them.
const PACKAGES: &[&str] = &[
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:http/",
    "wasi:io/",
    "wasi:random/",
    "wasi:sockets/",
];
const BUILD: &str =
    "build a component that exports wasi:http/incoming-handler, as wstd, wit-bindgen or componentize-js do";

pub(super) fn judge(facts: &Facts<'_>) -> Result<(), Problem> {
    if !facts.exports.iter().any(|name| name.starts_with(HANDLER)) {
        return Err(another_world(facts));
    }
    for (name, _) in &facts.imports {
        let provided = PACKAGES.iter().any(|package| name.starts_with(package));
        if !provided {
            let message = format!("it imports `{name}`, which is not of the world wasi:http/proxy");
            let cure =
                "leave out what needs that interface; valor provides WASI 0.2 with wasi:http, nothing else";
            return Err(problem("import", message, cure));
        }
        if !name.contains("@0.2.") {
            let message = format!("it imports `{name}`; valor provides WASI 0.2");
            return Err(problem("import", message, "build it with tools for WASI 0.2"));
        }
    }
    Ok(())
}

fn another_world(facts: &Facts<'_>) -> Problem {
    let exports = |part: &str| facts.exports.iter().find(|name| name.starts_with(part));
    if let Some(name) = exports("wasi:http/handler@").or_else(|| exports("wasi:http/incoming-handler@")) {
        let message = format!("it exports `{name}`; valor asks components of WASI 0.2");
        return problem("entry", message, "build it with tools for WASI 0.2");
    }
    if let Some(name) = exports("wasi:cli/run@") {
        let message = format!(
            "it is a program, not a service: it exports `{name}`, and no `wasi:http/incoming-handler`"
        );
        return problem("entry", message, BUILD);
    }
    let world = match facts.exports.as_slice() {
        [] => "it exports nothing".to_owned(),
        [name] => format!("it exports only `{name}`"),
        [name, more @ ..] => format!("it exports `{name}` and {} more", more.len()),
    };
    problem(
        "entry",
        format!("it is a component for another world: {world}, and no `wasi:http/incoming-handler@0.2`"),
        BUILD,
    )
}
