//! Entries as a file.

use serde_json::Value;

use super::{Entry, Written};

/// A plugins file in TOML.
///
/// # Errors
/// When an entry cannot be written.
pub fn to_toml(entries: &[Entry]) -> Result<String, String> {
    let plugins: Vec<Entry> = entries.iter().cloned().map(in_toml).collect();
    toml::to_string(&Written { plugins: &plugins }).map_err(|error| error.to_string())
}

/// The same in JSON.
#[must_use]
pub fn to_json(entries: &[Entry]) -> Value {
    serde_json::json!({ "plugins": entries })
}

/// TOML has no null, and its numbers end at 2^63.
fn in_toml(mut entry: Entry) -> Entry {
    entry.config_json = out_of_toml(&mut entry.config);
    if let Some(web) = &mut entry.web {
        web.config_json = out_of_toml(&mut web.config);
    }
    entry
}

fn out_of_toml(config: &mut Value) -> Option<String> {
    let fits = config.is_null() || toml::Value::try_from(&*config).is_ok();
    (!fits).then(|| config.take().to_string())
}
