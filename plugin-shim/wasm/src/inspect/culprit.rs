//! Who has brought an import that nobody here provides.

use valor_shim_core::inspect::{Problem, problem};

/// What the names of functions contain when a crate is linked in that asks a browser, what it asks for, and how to stop it.
const CRATES: &[(&str, &str)] = &[
    (
        "chrono",
        "switch off chrono's feature `wasmbind` (default-features = false), and ask valor::time for the time",
    ),
    ("getrandom", "give getrandom valor's backend instead of its feature `js` or `wasm_js`"),
    ("uuid", "switch off uuid's feature `js`"),
    ("instant", "switch off instant's features `wasm-bindgen` and `stdweb`, or use valor::time"),
    ("web_time", "use valor::time instead of web-time"),
    ("gloo_timers", "use valor::time instead of gloo-timers"),
    ("wasm_timer", "use valor::time instead of wasm-timer"),
    ("reqwest", "use valor::fetch instead of reqwest"),
    ("gloo_net", "use valor::fetch instead of gloo-net"),
    ("rand", "build rand without features that need a browser; valor gives getrandom a backend"),
    ("time", "switch off time's feature `wasm-bindgen`"),
    ("jiff", "switch off jiff's feature `js`"),
    ("ahash", "switch off ahash's feature `runtime-rng`"),
];

/// Parts of imported names, and the crate that is known to want them.
const CALLS: &[(&str, &str)] = &[
    ("getRandomValues", "getrandom"),
    ("randomFillSync", "getrandom"),
    ("crypto", "getrandom"),
    ("getTimezoneOffset", "chrono"),
    ("getTime", "chrono"),
    ("Date", "chrono"),
    ("setTimeout", "gloo_timers"),
    ("performance", "instant"),
    ("fetch", "reqwest"),
];

/// The import, the crate that likely brought it, and how to leave it out. `names`: the section with the functions' names.
pub(super) fn of((module, name): (&str, &str), names: &[u8]) -> Problem {
    let import = format!("it imports `{name}` from `{module}`, which valor does not provide");
    let bindgen = module.starts_with("__wbindgen") || module == "wbg" || name.starts_with("__wbindgen");
    if bindgen {
        let by_call = CALLS.iter().find(|(part, _)| name.contains(part)).map(|(_, culprit)| *culprit);
        let linked = |culprit: &str| names.windows(culprit.len()).any(|part| part == culprit.as_bytes());
        let by_name = || CRATES.iter().map(|(name, _)| *name).find(|name| linked(name));
        let culprit = by_call.filter(|name| names.is_empty() || linked(name)).or_else(by_name).or(by_call);
        let known = culprit.and_then(|culprit| CRATES.iter().find(|(name, _)| *name == culprit));
        return match known {
            Some((culprit, cure)) => {
                let message = format!(
                    "{import}: it is a call into a browser, and the crate {culprit} likely brought it"
                );
                problem("import", message, *cure)
            }
            None => problem(
                "import",
                format!("{import}: it is a call into a browser, by wasm-bindgen"),
                "find who asks for it with `cargo tree -i wasm-bindgen --target wasm32-unknown-unknown`, and switch off that \
                 crate's feature (`js`, `wasm-bindgen`, `wasmbind`)",
            ),
        };
    }
    let cure = match module {
        "env" => {
            "link or stub the C function of that name: nothing of a C library is there in wasm32-unknown-unknown"
        }
        "valor" => "update valor on this machine, or build the plugin with an older SDK",
        _ if module.starts_with("wasi_") => {
            "build with --target wasm32-unknown-unknown, or a component with --target wasm32-wasip2"
        }
        _ => "leave out the crate that declares this import",
    };
    problem("import", import, cure)
}
