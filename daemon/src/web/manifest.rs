//! What the runtime reads first.

use std::sync::Arc;

use serde::Serialize;

use super::Published;

const VERSION: u32 = 1;

#[derive(Serialize)]
struct Manifest<'a> {
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_worker: Option<&'a str>,
    plugins: Vec<&'a Published>,
    /// Prefixes below those of the plugins that only the server answers.
    elsewhere: &'a [String],
}

/// In JSON.
pub(super) fn write(
    published: &[Arc<Published>],
    elsewhere: &[String],
    service_worker: Option<&str>,
) -> String {
    let plugins = published.iter().map(|one| &**one).collect();
    let manifest = Manifest { version: VERSION, service_worker, plugins, elsewhere };
    // Strings, numbers and JSON always serialise.
    serde_json::to_string(&manifest).unwrap_or_default()
}
