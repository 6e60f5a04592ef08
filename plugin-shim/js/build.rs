//! Compiles the Web APIs to bytecode of QuickJS, the same one that runs them: a start then reads them instead of parsing them.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::module::{Declared, WriteOptions};
use rquickjs::{CatchResultExt as _, Context, Ctx, Module, Runtime};

const WEB: &str = "src/web";
const STREAMS: &str = "vendor/web-streams-polyfill/ponyfill.mjs";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={WEB}");
    println!("cargo::rerun-if-changed={STREAMS}");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut modules = vec![("valor:web-streams".to_owned(), PathBuf::from(STREAMS))];
    for entry in std::fs::read_dir(WEB)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).ok_or("a name that is not UTF-8")?;
        modules.push((format!("valor:{stem}"), path));
    }
    modules.sort();
    let mut table = String::from("&[\n");
    for (name, path) in &modules {
        let file = out.join(name.replace(':', "-")).with_extension("bytecode");
        std::fs::write(&file, compile(name, path)?)?;
        writeln!(
            table,
            "    ({name:?}, include_bytes!({:?})),",
            file.to_str().ok_or("OUT_DIR is not UTF-8")?
        )?;
    }
    std::fs::write(out.join("web.rs"), table + "]\n")?;
    Ok(())
}

/// Names and line numbers stay, for stacks; the text does not.
fn compile(name: &str, path: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let text = std::fs::read(path)?;
    let runtime = Runtime::new()?;
    runtime.set_loader(Alone, Alone);
    Context::full(&runtime)?.with(|ctx| {
        let module = Module::declare(ctx.clone(), name, text).catch(&ctx);
        let module = module.map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(module.write(WriteOptions { strip_source: true, ..WriteOptions::default() })?)
    })
}

/// A module is compiled by itself: what it imports is looked for when it is linked.
struct Alone;

impl Resolver for Alone {
    fn resolve<'js>(
        &mut self,
        _ctx: &Ctx<'js>,
        _base: &str,
        name: &str,
        _attributes: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<String> {
        Ok(name.to_owned())
    }
}

impl Loader for Alone {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _attributes: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<Module<'js, Declared>> {
        Module::declare(ctx.clone(), name, "")
    }
}
