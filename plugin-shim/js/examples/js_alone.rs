//! `js_alone MODULE N`: the JavaScript engine alone, for `daemon/benches/guard.py`.

#[path = "../../native/examples/serve_alone/alone.rs"]
mod alone;

fn main() -> alone::Result<()> {
    alone::run(valor_shim_js::serve)
}
