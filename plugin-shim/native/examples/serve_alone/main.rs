//! `serve_alone LIBRARY N`: the native engine alone, for `daemon/benches/guard.py`.

mod alone;

fn main() -> alone::Result<()> {
    alone::run(valor_shim::serve)
}
