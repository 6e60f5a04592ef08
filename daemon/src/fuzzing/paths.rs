//! Paths, prefixes and hosts: what passes has one reading, and the routes agree with the slow way.

use std::collections::BTreeSet;

use http::uri::Authority;

use crate::http::check::{check_path, is_authority};
use crate::plugin::{Grants, Limits, Plugin};
use crate::routes::{Down, Route, Routes, Target, check_prefix};

/// Lines: the first is a path, the second a host, the others are prefixes.
///
/// # Panics
///
/// When a path passes that could be read in two ways, or another prefix than the longest is chosen.
pub fn paths(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut lines = text.split('\n');
    let (path, host) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    assert_eq!(check_path(path).is_ok(), has_one_reading(path), "the path {path:?}");
    // The `http` crate knows no percent-encoded hosts.
    if is_authority(host.as_bytes()) && !host.contains('%') {
        let authority: Authority = host.parse().unwrap_or_else(|error| panic!("{host:?}: {error}"));
        assert!(!authority.host().is_empty() && !host.contains(['@', '/', '\\', '?', '#', ' ']), "{host:?}");
    }
    let mut kept = BTreeSet::new();
    for prefix in lines {
        let Ok(normal) = check_prefix(prefix) else { continue };
        assert_eq!(prefix.strip_suffix('/').filter(|cut| !cut.is_empty()).unwrap_or(prefix), normal);
        assert_eq!(check_prefix(&normal).as_deref(), Ok(&*normal), "normal forms stay");
        assert!(has_one_reading(&normal) && !normal.contains('%') && !normal.contains("//"), "{normal:?}");
        assert!(!normal.starts_with("/_"), "{normal:?} is the daemon's own");
        kept.insert(normal);
    }
    find(&kept, path);
}

fn find(prefixes: &BTreeSet<String>, path: &str) {
    let route = |prefix: &String| Route {
        plugin: Plugin::new("p", prefix, Limits::default(), Grants::default()),
        target: Target::Down(Down::Starting),
        published: None,
    };
    let routes =
        Routes::build(prefixes.iter().map(route).collect()).unwrap_or_else(|error| panic!("{error}"));
    let found = routes.find(path).map(|(route, rest)| (&*route.plugin.prefix, rest));
    let expected = prefixes.iter().filter_map(|prefix| below(prefix, path)).max_by_key(|(p, _)| p.len());
    assert_eq!(found, expected, "{path:?} among {prefixes:?}");
    if let Some((_, rest)) = found {
        assert!(rest.starts_with('/'), "the plugin would see {rest:?}");
        assert!(!has_one_reading(path) || has_one_reading(rest), "{rest:?}");
    }
}

/// Whether a prefix covers a path, and what is left of it.
fn below<'a>(prefix: &'a str, path: &'a str) -> Option<(&'a str, &'a str)> {
    if prefix == "/" {
        return path.starts_with('/').then_some((prefix, path));
    }
    let rest = path.strip_prefix(prefix)?;
    match rest {
        "" => Some((prefix, "/")),
        _ => rest.starts_with('/').then_some((prefix, rest)),
    }
}

/// The slow way: take every segment apart, decode it, and look whether anybody could see something else in it.
fn has_one_reading(path: &str) -> bool {
    let Some(relative) = path.strip_prefix('/') else { return false };
    relative.split('/').all(|segment| {
        let decoded = decode(segment);
        decoded.is_some_and(|decoded| {
            let reserved = decoded.iter().any(|b| matches!(b, b'/' | b'\\' | 0));
            !reserved && decoded != b"." && decoded != b".."
        })
    })
}

fn decode(segment: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                let digits = std::str::from_utf8(&digits).ok().filter(|d| !d.contains('+'))?;
                u8::from_str_radix(digits, 16).ok()?
            }
            0x21..=0x7e => byte,
            _ => return None,
        });
    }
    Some(decoded)
}
