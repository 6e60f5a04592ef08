//! The plugins file: every entry is taken or refused, what is taken makes sense, and JSON and TOML say the same.

use std::collections::HashSet;
use std::path::Path;

use serde_json::Value;

use crate::config::{PluginEntry, PluginsFile, Wanted, build_grants, check_limits};
use crate::plugin::Limits;
use crate::routes::check_prefix;
use crate::store::check_name;

/// A file's text.
///
/// # Panics
///
/// When an entry gets lost, a bad one is taken, or the same in the other language is read otherwise.
pub fn plugins(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Some(file) = parse(text) else { return };
    let (mut names, mut prefixes) = (HashSet::new(), HashSet::new());
    for entry in &file.entries {
        is_sound(entry);
        assert!(names.insert(&entry.name) && prefixes.insert(&entry.prefix), "{:?} twice", entry.name);
    }
    for refused in &file.refused {
        let message = refused.to_string();
        assert!(message.starts_with("/etc/valor/plugins: plugins["), "{message}");
    }
    let Ok(json) = serde_json::from_str::<Value>(text) else { return };
    let listed = json["plugins"].as_array().map_or(0, Vec::len);
    assert_eq!(file.entries.len() + file.refused.len(), listed, "every entry is taken or refused");
    // TOML has no null, and its numbers end at 2^63.
    if let Some(other) = toml::to_string(&json).ok().as_deref().and_then(parse) {
        assert_eq!(other.entries, file.entries, "in TOML");
    }
}

fn parse(text: &str) -> Option<PluginsFile> {
    PluginsFile::parse(Path::new("/etc/valor/plugins"), text, &Limits::default(), &[]).ok()
}

fn is_sound(entry: &PluginEntry) {
    assert_eq!(check_name(&entry.name), Ok(()));
    assert_eq!(check_prefix(&entry.prefix).as_deref(), Ok(&*entry.prefix));
    assert!(check_limits(&entry.limits).is_empty(), "{:?}", entry.limits);
    assert!(entry.path.is_absolute());
    let again = Wanted { net: entry.grants.net.clone(), ..Wanted::default() };
    assert_eq!(build_grants(&again, |_| None).unwrap_or_default().net, entry.grants.net);
    // What TOML alone knows has not become something else on the way.
    assert!(!entry.config.to_string().contains("$__"), "{}", entry.config);
}
