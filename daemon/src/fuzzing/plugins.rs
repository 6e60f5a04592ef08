//! The plugins file: every entry is taken or refused, what is taken makes sense, JSON and TOML say the same, and what is written reads back.

use std::collections::HashSet;

use serde_json::Value;
use valor_control::plugins::{Entry, PluginsFile, to_json, to_toml};

use crate::config::{Wanted, build_grants};
use crate::routes::check_prefix;
use crate::store::check_name;

/// A file's text.
///
/// # Panics
///
/// When an entry gets lost, a bad one is taken, or the same in the other language is read otherwise.
pub fn plugins(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(file) = PluginsFile::parse(text) else { return };
    let (mut names, mut prefixes) = (HashSet::new(), HashSet::new());
    let lines = text.lines().count().max(1);
    for refused in &file.refused {
        assert!(refused.place.0 <= lines && refused.place.1 > 0, "{refused}");
    }
    let refused = file.refused.len();
    let entries = entries(file);
    for entry in &entries {
        is_sound(entry);
        assert!(names.insert(&entry.name) && prefixes.insert(&entry.prefix), "{:?} twice", entry.name);
    }
    assert_eq!(read(&to_json(&entries).to_string()), entries, "written as JSON");
    if let Ok(text) = to_toml(&entries) {
        assert_eq!(read(&text), entries, "written as TOML");
    }
    let Ok(json) = serde_json::from_str::<Value>(text) else { return };
    let listed = json["plugins"].as_array().map_or(0, Vec::len);
    assert_eq!(entries.len() + refused, listed, "every entry is taken or refused");
    // TOML has no null, and its numbers end at 2^63.
    if let Some(other) = toml::to_string(&json).ok().and_then(|text| PluginsFile::parse(&text).ok()) {
        assert_eq!(self::entries(other), entries, "in TOML");
    }
}

fn entries(file: PluginsFile) -> Vec<Entry> {
    file.entries.into_iter().map(|listed| listed.entry).collect()
}

/// What was written, all of it.
fn read(text: &str) -> Vec<Entry> {
    match PluginsFile::parse(text) {
        Ok(file) if file.refused.is_empty() => entries(file),
        other => panic!("{other:?} in {text}"),
    }
}

fn is_sound(entry: &Entry) {
    assert_eq!(check_name(&entry.name), Ok(()));
    assert_eq!(check_prefix(entry.prefix.as_deref().unwrap_or_default()).ok(), entry.prefix);
    assert!(entry.path.is_some() || entry.sha256.is_some());
    let net = Wanted { net: entry.grants.net.clone(), ..Wanted::default() };
    if let Ok(grants) = build_grants(&net, |_| None) {
        let again = Wanted { net: grants.net.clone(), ..Wanted::default() };
        assert_eq!(build_grants(&again, |_| None).unwrap_or_default().net, grants.net);
    }
    // What TOML alone knows has not become something else on the way.
    assert!(!entry.config.to_string().contains("$__"), "{}", entry.config);
}
