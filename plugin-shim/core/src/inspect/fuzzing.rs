//! What the fuzz targets run; the same over the committed corpus in `tests/corpus.rs`.
#![allow(clippy::panic, reason = "a panic is how a target tells")]

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;

use super::closure::{Search, unresolved};
use super::elf::{self, Facts};
use super::{MAX_TEXT, inspect, manifest};

/// What the daemon reads of an answer, at most.
const ANSWER: usize = 4 << 20;

/// An artifact that strangers have sent.
///
/// # Panics
///
/// When reading it costs more than the file allows, makes up what does not stand in it, or gives no proper answer.
pub fn elf(input: &[u8]) {
    if let Ok(facts) = elf::facts(input) {
        let search = Search::nowhere();
        let names: Vec<&[u8]> = names(&facts).collect();
        let held: usize = names.iter().map(|name| name.len() + 16).sum();
        assert!(held <= 2 * input.len() + (64 << 10), "{held} bytes of names in a file of {}", input.len());
        // What was read stands there, as a string that ends: a few of them, since this is slow.
        for name in names.iter().take(8).filter(|name| !name.is_empty()) {
            let stands = input.windows(name.len() + 1).any(|w| w.ends_with(&[0]) && w.starts_with(name));
            assert!(stands && !name.contains(&0), "{name:?} does not stand in the file");
        }
        let mut defines: BTreeMap<String, HashSet<Vec<u8>>> = BTreeMap::new();
        for needed in &facts.needed {
            defines.insert(needed.clone(), facts.defines.clone());
        }
        // Any problem is fine; that it is told in a few words is not left to the file.
        let symbols = search.check_symbols(&facts, unresolved(&facts), &HashSet::new());
        let told = [search.check_versions(&facts, &defines), symbols];
        // Whoever needs it finds in it what it has.
        let mut missing: HashSet<Vec<u8>> = facts.exports.iter().take(8).cloned().collect();
        assert!(elf::library(input, &mut missing).is_ok() && missing.is_empty(), "{missing:?}");
        for problem in told.into_iter().filter_map(Result::err) {
            assert!(problem.message.len() <= MAX_TEXT + 3 && problem.cure.len() <= MAX_TEXT + 3);
        }
    }
    answer(input);
}

/// The text of a manifest's section.
///
/// # Panics
///
/// When one is accepted that the daemon would not read.
pub fn manifest(input: &[u8]) {
    match manifest::parse(input) {
        Ok(manifest) => {
            // Within the answer it stands one level deeper.
            let answer = serde_json::json!({ "manifest": manifest }).to_string();
            assert!(answer.len() < ANSWER, "an answer of {} bytes", answer.len());
            let read: Answer =
                serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
            let read = read.manifest.unwrap_or_default();
            assert_eq!(manifest.get("name").and_then(serde_json::Value::as_str).unwrap_or(""), read.name);
            let _whether_served =
                manifest::check(Some(&manifest), Ok(Some(manifest.clone())), "valor-shim", 1);
        }
        Err(problem) => {
            assert_eq!(problem.step, "format");
            assert!(problem.message.starts_with("its manifest ") && problem.message.len() <= MAX_TEXT + 3);
        }
    }
}

/// The whole way: an artifact to an answer that the daemon reads.
fn answer(artifact: &[u8]) {
    let inspection = inspect(artifact, &Search::nowhere());
    let answer = serde_json::to_vec(&inspection).unwrap_or_default();
    assert!(!answer.is_empty() && answer.len() < ANSWER, "an answer of {} bytes", answer.len());
    let read: Answer = serde_json::from_slice(&answer).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read.problem.is_some(), inspection.problem.is_some());
    if let Some(problem) = inspection.problem {
        assert!(!problem.message.is_empty() && problem.message.len() <= MAX_TEXT + 3);
        assert!(!problem.cure.is_empty() && problem.cure.len() <= MAX_TEXT + 3);
    }
}

fn names(facts: &Facts) -> impl Iterator<Item = &[u8]> {
    let needed = facts.needed.iter().map(String::as_bytes);
    let versions = facts.versions.iter().flat_map(|(file, version)| [file.as_bytes(), version]);
    let symbols = facts.exports.iter().chain(&facts.imports).chain(&facts.defines).map(Vec::as_slice);
    needed.chain(versions).chain(symbols)
}

/// An answer as the daemon reads it (`daemon/src/supervisor/inspect.rs`).
#[derive(Deserialize)]
struct Answer {
    problem: Option<serde_json::Value>,
    manifest: Option<Declared>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Declared {
    name: String,
    version: String,
    abi: u64,
    sdk: String,
    permissions: Permissions,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Permissions {
    net: Vec<String>,
    read: Vec<String>,
    write: Vec<String>,
    env: Vec<String>,
}
