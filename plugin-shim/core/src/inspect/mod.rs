//! What can be told about an artifact without running it: `valor-shim inspect < FILE`.
//!
//! A one-shot of its own, since it parses what strangers have sent. It answers with one JSON object, the [`Inspection`]. Each kind
//! of plugin has its engine's look, by [`one_shot()`]; here are native libraries, and what is common to all.

mod closure;
mod directories;
mod elf;
#[doc(hidden)]
pub mod fuzzing;
mod kind;
mod manifest;

use std::fs::File;
use std::path::PathBuf;

use serde::Serialize;

use closure::{Machine, Search};
use elf::{Facts, Refused};
pub use manifest::{check as check_manifest, parse as parse_manifest};

use crate::one_shot::{self, Bounds, OneShotError};

/// The version of the C ABI that the native shim speaks; `valor-abi` has the same.
pub const NATIVE_ABI: u64 = 1;
const ENTRY: &str = "valor_plugin_entry";
const MAGIC: &[u8] = b"\x7fELF";
/// The longest text of a [`Problem`], in bytes.
const MAX_TEXT: usize = 1024;
const BOUNDS: Bounds = Bounds { seconds: 20, memory: 3 << 30, answer: 4 << 20 };

/// What an artifact is, and whether it can run here.
#[derive(Debug, Default, Serialize)]
pub struct Inspection {
    /// What it is, in a word.
    pub kind: &'static str,
    /// The machine that it is built for, as Rust names it; empty where it runs on any.
    pub arch: String,
    /// The first reason why it cannot run here.
    pub problem: Option<Problem>,
    /// What the author has declared.
    pub manifest: Option<serde_json::Value>,
    /// What it needs besides what the shim itself has loaded.
    pub libraries: Vec<Library>,
    /// It is compiled before it runs, once for each engine: the fingerprint of this one.
    pub engine: Option<String>,
}

/// Why an artifact cannot run here, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Which step would fail.
    pub step: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub cure: String,
}

/// A library of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Library {
    /// The name that is asked for.
    pub soname: String,
    /// Where it was found.
    pub path: String,
}

/// The one-shot `inspect` of an engine: answers on standard output with what `look` has seen in standard input.
///
/// # Errors
///
/// When it cannot be done at all; what is wrong with the artifact is no error, but a [`Problem`].
pub fn one_shot(readable: &[PathBuf], look: impl FnOnce(&[u8]) -> Inspection) -> Result<(), OneShotError> {
    one_shot::run(readable, BOUNDS, |artifact| {
        let mut answer = serde_json::to_vec(&look(&artifact)).map_err(|error| error.to_string())?;
        answer.push(b'\n');
        Ok(answer)
    })
}

/// The one-shot of native libraries.
///
/// # Errors
///
/// As [`one_shot()`].
pub fn native() -> Result<(), OneShotError> {
    let search = Search::new(Machine::here());
    one_shot(search.directories(), |artifact| inspect(artifact, &search))
}

/// The one-shot of a program that is an engine: which libraries it needs, all of them.
///
/// # Errors
///
/// As [`one_shot()`].
pub fn program() -> Result<(), OneShotError> {
    let search = Search::new(Machine::bare());
    one_shot(search.directories(), |artifact| {
        let mut inspection = Inspection { kind: "program", ..Inspection::default() };
        inspection.problem = runs(artifact, &search, &mut inspection).err();
        inspection
    })
}

/// Would this machine run it?
fn runs(artifact: &[u8], search: &Search, inspection: &mut Inspection) -> Result<(), Problem> {
    let cure = "name the program itself, not a script that starts it";
    if !artifact.starts_with(MAGIC) {
        return Err(problem(
            "format",
            format!("it is not a program of this machine but {}", kind::guess(artifact)),
            cure,
        ));
    }
    let arch = elf::header(artifact).map(|header| header.arch).unwrap_or_default();
    if arch != search.machine().arch {
        let message = format!("it is built for {arch}, this machine is {}", search.machine().arch);
        return Err(problem("architecture", message, "install the one for this machine"));
    }
    let facts = elf::facts(artifact)
        .map_err(|why| problem("format", format!("it is truncated or damaged: {why}"), "install it again"))?;
    if facts.program.is_none() {
        return Err(problem("format", "it is a library, not a program", cure));
    }
    inspection.arch = arch;
    inspection.libraries = search.libraries(&facts)?;
    Ok(())
}

/// Everything about one artifact.
#[must_use]
pub(crate) fn inspect(artifact: &[u8], search: &Search) -> Inspection {
    let mut inspection = Inspection { kind: "native", ..Inspection::default() };
    let found = facts(artifact, search.machine(), &mut inspection).and_then(|facts| {
        let manifest = facts.manifest.as_deref().map(manifest::parse).transpose();
        inspection.manifest = manifest.clone().unwrap_or_default();
        runs_here(&facts, search, &mut inspection)?;
        manifest::check(inspection.manifest.as_ref(), manifest, "valor-shim", NATIVE_ABI)
    });
    inspection.problem = found.err();
    inspection
}

/// Is it a library for this machine?
fn facts(artifact: &[u8], machine: &Machine, inspection: &mut Inspection) -> Result<Facts, Problem> {
    let cut_short = !artifact.is_empty() && MAGIC.starts_with(artifact);
    if !artifact.starts_with(MAGIC) && !cut_short {
        let cure = kind::cure(artifact);
        return Err(problem(
            "format",
            format!("it is not a native library but {}", kind::guess(artifact)),
            cure,
        ));
    }
    let damaged = |why: &str| {
        problem("format", format!("it is truncated or damaged: {why}"), "build it again and send it whole")
    };
    let header = elf::header(artifact).ok_or_else(|| damaged("it ends within its header"))?;
    inspection.arch = header.arch.clone();
    let rebuild = format!("build it for {}-unknown-linux-gnu", machine.arch);
    if header.arch != machine.arch {
        let message = format!("it is built for {}, this machine is {}", header.arch, machine.arch);
        return Err(problem("architecture", message, rebuild));
    }
    if let Some(system) = header.system {
        let message = format!("it is built for {system}, this machine runs Linux");
        return Err(problem("architecture", message, rebuild));
    }
    let facts = elf::facts(artifact).map_err(|why| damaged(&why))?;
    match facts.program {
        Some(what) => {
            let cure = "build a shared library: crate-type = [\"cdylib\"] in Cargo.toml, or cc -shared -fPIC";
            Err(problem("format", format!("it is not a library but {what}"), cure))
        }
        None => Ok(facts),
    }
}

/// Would the dynamic linker load it?
fn runs_here(facts: &Facts, search: &Search, inspection: &mut Inspection) -> Result<(), Problem> {
    if let Some(musl) = facts.needed.iter().find(|name| name.starts_with("libc.musl-") || *name == "libc.so")
    {
        let message = format!("it is built for musl (it needs {musl}), valor-shim runs on glibc");
        let cure = format!("build it for {}-unknown-linux-gnu", search.machine().arch);
        return Err(problem("libc", message, cure));
    }
    if !facts.exports.contains(ENTRY.as_bytes()) {
        let message = format!("it exports no `{ENTRY}`, so it is not a plugin");
        let cure =
            "annotate a function with #[vlugin] and build a cdylib, or export the symbol as valor.h shows";
        return Err(problem("entry", message, cure));
    }
    match facts.refused {
        Some(Refused::ExecutableStack) => {
            let cure = "link it with -Wl,-z,noexecstack, and give assembler files a .note.GNU-stack section";
            return Err(problem(
                "load",
                "it asks for a stack that can be executed, which no plugin gets",
                cure,
            ));
        }
        Some(Refused::TextRelocations) => {
            let message =
                "its code has to be changed when it is loaded (text relocations), which no plugin may";
            return Err(problem("load", message, "compile all of it with -fPIC"));
        }
        None => {}
    }
    let closure = search.closure(facts)?;
    inspection.libraries = closure.libraries;
    Ok(())
}

/// Names of the artifact may stand in the texts, which are cut to what one reads.
pub fn problem(step: &'static str, message: impl Into<String>, cure: impl Into<String>) -> Problem {
    Problem { step, message: cut(message.into()), cure: cut(cure.into()) }
}

fn cut(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        text.push_str("...");
    }
    text
}

/// A library of the machine, whole.
fn read_library(path: &std::path::Path) -> Option<Vec<u8>> {
    let file = File::open(path).ok()?;
    let size = file.metadata().ok()?.len();
    one_shot::read(file, size).ok()
}

#[cfg(test)]
mod tests;
