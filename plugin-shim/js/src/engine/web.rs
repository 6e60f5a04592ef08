//! The Web APIs, as bytecode that `build.rs` has made.

#![expect(unsafe_code, reason = "QuickJS trusts bytecode, so only its own may reach it")]

use rquickjs::module::Declared;
use rquickjs::{Ctx, Error, Module, Result};

/// The module that all others are reached from.
pub(super) const MAIN: &str = "valor:main";

/// By specifier.
const MODULES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/web.rs"));

/// Whether a specifier is one of them.
pub(super) fn has(name: &str) -> bool {
    find(name).is_some()
}

/// One of them, to be linked.
pub(super) fn load<'js>(ctx: &Ctx<'js>, name: &str) -> Result<Module<'js, Declared>> {
    let bytecode = find(name).ok_or_else(|| Error::new_loading(name))?;
    // SAFETY: it was written by the same QuickJS when this program was built.
    unsafe { Module::load(ctx.clone(), bytecode) }
}

fn find(name: &str) -> Option<&'static [u8]> {
    let at = MODULES.binary_search_by_key(&name, |(name, _)| *name).ok()?;
    Some(MODULES[at].1)
}
