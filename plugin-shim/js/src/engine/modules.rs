//! Where modules come from: ours from this program, the author's from nowhere else.

use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::module::Declared;
use rquickjs::{Ctx, Error, Module, Result};

use super::web;

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

impl Resolver for OneFile {
    fn resolve<'js>(
        &mut self,
        _ctx: &Ctx<'js>,
        base: &str,
        name: &str,
        _attributes: Option<ImportAttributes<'js>>,
    ) -> Result<String> {
        let ours = web::has(base) || (base.is_empty() && name == web::MAIN);
        if ours && web::has(name) {
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
        web::load(ctx, name)
    }
}
