//! What a hostile plugin may try: one forbidden act a file, each in a process of its own, once as a constructor of the library would
//! (before the seal) and once as its functions would (after it).
//!
//! An act that is refused must have been able to work: as root, the same function runs outside of the sandbox, in a process and
//! namespaces that are thrown away, and [`Outside`] says what becomes of it there.

/// The acts of a family, by the names of their files; each of those has a `const ACT`.
macro_rules! acts {
    ($($(#[$cfg:meta])? $act:ident)*) => {
        pub(super) const ACTS: crate::escapes::act::Acts = &[$(
            $(#[$cfg])?
            (stringify!($act), $act::ACT)
        ),*];

        pub(super) fn all(mode: crate::harness::Mode) {
            crate::escapes::attempt::all(mode, ACTS);
        }
    };
}

mod act;
mod attempt;
mod control;
mod descriptors;
mod files;
mod filters;
mod identity;
mod ipc;
mod kernel;
mod limits;
mod machine;
mod memory;
mod mounts;
mod namespaces;
mod prctls;
mod processes;
mod signals;
mod sockets;
mod terminals;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use act::Acts;

use crate::harness::{Case, Mode};

type Family = (&'static str, Acts, fn(Mode));

/// The families, each with what tries all of its acts, one after the other.
const FAMILIES: &[Family] = &[
    ("escapes::descriptors", descriptors::ACTS, descriptors::all),
    ("escapes::files", files::ACTS, files::all),
    ("escapes::filters", filters::ACTS, filters::all),
    ("escapes::identity", identity::ACTS, identity::all),
    ("escapes::ipc", ipc::ACTS, ipc::all),
    ("escapes::kernel", kernel::ACTS, kernel::all),
    ("escapes::limits", limits::ACTS, limits::all),
    ("escapes::machine", machine::ACTS, machine::all),
    ("escapes::memory", memory::ACTS, memory::all),
    ("escapes::mounts", mounts::ACTS, mounts::all),
    ("escapes::namespaces", namespaces::ACTS, namespaces::all),
    ("escapes::prctls", prctls::ACTS, prctls::all),
    ("escapes::processes", processes::ACTS, processes::all),
    ("escapes::signals", signals::ACTS, signals::all),
    ("escapes::sockets", sockets::ACTS, sockets::all),
    ("escapes::terminals", terminals::ACTS, terminals::all),
];

pub(crate) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = FAMILIES.iter().map(|(name, _, all)| (*name, *all)).collect();
    cases.push(("every_file_is_an_act_that_is_tried", every_file_is_an_act_that_is_tried));
    cases
}

/// None is forgotten in a list, and none stands in two.
fn every_file_is_an_act_that_is_tried(_: Mode) {
    let acts = |(family, acts, _): &Family| {
        acts.iter().map(|(act, _)| format!("{family}::{act}")).collect::<Vec<_>>()
    };
    let tried: Vec<String> = FAMILIES.iter().flat_map(acts).collect();
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox/escapes");
    let stem = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let entries = |path: &Path| fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let mut files = BTreeSet::new();
    for family in entries(&here).filter(|path| path.is_dir()) {
        for file in entries(&family).filter(|file| stem(file) != "mod") {
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.starts_with("//! "), "{} does not say what it tries", file.display());
            assert_eq!(text.matches(" ACT: Act ").count(), 1, "{}", file.display());
            let elsewhere = cfg!(not(target_arch = "x86_64")) && text.contains("On x86_64 only.");
            if !elsewhere {
                files.insert(format!("escapes::{}::{}", stem(&family), stem(&file)));
            }
        }
    }
    assert_eq!(tried.iter().cloned().collect::<BTreeSet<_>>(), files);
    assert_eq!(tried.len(), files.len(), "one is tried twice");
    assert!(tried.len() >= 150, "only {} are left", tried.len());
}
