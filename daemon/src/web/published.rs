//! One published plugin: its files, and what the manifest says of it. Nothing else of a registration is ever here.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use valor_control::kind::Kind;
use valor_control::web::Mode;

use super::{Cache, File, ROOT};
use crate::store::{Product, Registration, Web};

/// The most bytes of one plugin's files: they are kept in memory.
pub const MAX_FILES: u64 = Product::Transpiled.limit();

/// What browsers get of a plugin.
#[derive(Debug, Clone, Serialize)]
pub struct Published {
    pub(super) name: String,
    pub(super) prefix: String,
    kind: Kind,
    mode: Mode,
    /// The artifact's hash.
    pub(super) digest: String,
    /// The file to begin with; `None`: it never runs in a browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
    config: Value,
    timeout_ms: u64,
    /// By their paths on the site.
    #[serde(skip)]
    pub(super) files: Vec<(String, Arc<File>)>,
}

/// Whether an artifact of this kind and size can be published.
///
/// # Errors
/// Says why not, and what to do.
pub fn check(kind: Kind, size: u64) -> Result<(), String> {
    match kind {
        Kind::Native => {
            Err("a native plugin cannot run in a browser: build it for wasm32-unknown-unknown, or \
                             do not publish it"
                .to_owned())
        }
        _ if size > MAX_FILES => Err(format!(
            "{size} bytes are more than {MAX_FILES}, the most that is published of one plugin: strip it, or do not \
             publish it"
        )),
        _ => Ok(()),
    }
}

impl Published {
    /// Of an artifact that browsers take as it is, or of what was made of it: files by their names, the first one to begin
    /// with.
    #[must_use]
    pub fn new(registration: &Registration, web: &Web, files: Vec<(String, Bytes)>) -> Self {
        let digest = &registration.sha256;
        let single = files.len() == 1;
        let place = |(name, body): (String, Bytes)| {
            let end = name.rsplit('.').next().unwrap_or_default();
            let path = if single { format!("{digest}.{end}") } else { format!("{digest}/{name}") };
            (format!("{ROOT}plugins/{path}"), Arc::new(File::new(&name, body, Cache::Immutable)))
        };
        // What never runs in a browser needs no code there.
        let files: Vec<_> = files.into_iter().filter(|_| web.mode != Mode::Server).map(place).collect();
        Self {
            name: registration.name.clone(),
            prefix: registration.prefix.clone(),
            kind: registration.kind,
            mode: web.mode,
            digest: digest.clone(),
            entry: files.first().map(|(path, _)| path.clone()),
            config: web.config.clone(),
            timeout_ms: u64::try_from(registration.limits.timeout.as_millis()).unwrap_or(u64::MAX),
            files,
        }
    }

    /// The same below another prefix.
    #[must_use]
    pub fn moved(&self, prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), ..self.clone() }
    }

    /// Whether another prefix is inside its own.
    pub(super) fn holds(&self, prefix: &str) -> bool {
        let rest = prefix.strip_prefix(self.prefix.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'))
    }
}
