//! Where modules come from: ours from this program, the author's from nowhere else.

use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::module::Declared;
use rquickjs::{Ctx, Error, Module, Result};

macro_rules! web {
    ($($name:literal),* $(,)?) => { &[$((concat!("valor:", $name), include_str!(concat!("../web/", $name, ".js")))),*] };
}

/// The Web APIs, by specifier.
const WEB: &[(&str, &str)] = web![
    "abort", "blob", "body", "bytes", "clone", "console", "crypto", "define", "early", "encoding", "events",
    "exchange", "fetch", "form", "handlers", "headers", "host", "main", "request", "response", "serve",
    "streams", "timers", "url",
];
const STREAMS: (&str, &str) =
    ("valor:web-streams", include_str!("../../vendor/web-streams-polyfill/ponyfill.mjs"));

/// The module that all others are reached from.
pub(super) const MAIN: &str = "valor:main";

/// A plugin is one file: imports of authors are refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OneFile;

/// The same for a trial parse, which does not know the engine: Deno has the modules of Node, which are part of no bundle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TrialParse;

impl Resolver for TrialParse {
    fn resolve<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        base: &str,
        name: &str,
        attributes: Option<ImportAttributes<'js>>,
    ) -> Result<String> {
        if name.starts_with("node:") {
            return Ok(name.to_owned());
        }
        OneFile.resolve(ctx, base, name, attributes)
    }
}

impl Loader for TrialParse {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _attributes: Option<ImportAttributes<'js>>,
    ) -> Result<Module<'js, Declared>> {
        Module::declare(ctx.clone(), name, "")
    }
}

fn text(name: &str) -> Option<&'static str> {
    WEB.iter().chain([&STREAMS]).find(|(n, _)| *n == name).map(|(_, text)| *text)
}

impl Resolver for OneFile {
    fn resolve<'js>(
        &mut self,
        _ctx: &Ctx<'js>,
        base: &str,
        name: &str,
        _attributes: Option<ImportAttributes<'js>>,
    ) -> Result<String> {
        let ours = text(base).is_some() || (base.is_empty() && name == MAIN);
        if ours && text(name).is_some() {
            return Ok(name.to_owned());
        }
        let why = "a plugin is one file: bundle what it imports into it (esbuild --bundle --format=esm, say)";
        Err(Error::new_resolving_message(base, name, why))
    }
}

impl Loader for OneFile {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _attributes: Option<ImportAttributes<'js>>,
    ) -> Result<Module<'js, Declared>> {
        let text = text(name).ok_or_else(|| Error::new_loading(name))?;
        Module::declare(ctx.clone(), name, text)
    }
}
