//! The programs that run plugins: one of each kind, side by side.

use std::path::PathBuf;

use valor_control::kind::Kind;

use crate::store::Product;

/// Where they are.
#[derive(Debug, Clone)]
pub struct Shims {
    native: PathBuf,
}

impl Shims {
    /// This one runs native plugins, and those of the other kinds are beside it.
    #[must_use]
    pub fn beside(native: PathBuf) -> Self {
        Self { native }
    }

    /// The one that runs this kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> PathBuf {
        match kind {
            Kind::Native => self.native.clone(),
            other => self.native.with_file_name(other.shim()),
        }
    }
}

/// What a plugin of this kind is started from, where that is not its artifact itself.
pub(super) const fn started_from(kind: Kind) -> Option<Product> {
    match kind {
        Kind::Wasm | Kind::Wasi => Some(Product::Compiled),
        Kind::Native | Kind::Js => None,
    }
}
