//! Artifacts of every kind; those that are libraries are made by the C compiler of the machine.

mod damage;
mod kinds;
mod libraries;

use std::path::PathBuf;

use super::closure::{Machine, Search};
use super::{Inspection, inspect};

/// A minimal plugin.
const ENTRY: &str = "int valor_plugin_entry(void) { return 1; }\n";

fn search() -> Search {
    Search::new(Machine::here())
}

#[expect(clippy::disallowed_methods, reason = "the compiler is a process")]
fn compile(source: &str, arguments: &[&str]) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let (input, output) = (directory.path().join("plugin.c"), directory.path().join("plugin.so"));
    std::fs::write(&input, source).unwrap();
    let result =
        std::process::Command::new("cc").arg(&input).arg("-o").arg(&output).args(arguments).output().unwrap();
    assert!(result.status.success(), "{}", String::from_utf8_lossy(&result.stderr));
    std::fs::read(output).unwrap()
}

/// The smallest plugin, as a file.
fn smallest() -> Vec<u8> {
    compile(ENTRY, &["-shared", "-fPIC"])
}

fn plugin(source: &str, arguments: &[&str]) -> Inspection {
    plugin_in(source, arguments, &search())
}

fn plugin_in(source: &str, arguments: &[&str], search: &Search) -> Inspection {
    let arguments = [&["-shared", "-fPIC"], arguments].concat();
    inspect(&compile(&format!("{ENTRY}{source}"), &arguments), search)
}

/// A library to link a plugin to, which needs not be there any more when it is inspected.
struct Stub(tempfile::TempDir);

impl Stub {
    /// With a function `stub` of this version, if one is given.
    fn new(soname: &str, version: Option<&str>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let script = directory.path().join("versions");
        let mut arguments =
            vec!["-shared".to_owned(), "-fPIC".into(), "-nostdlib".into(), format!("-Wl,-soname,{soname}")];
        if let Some(version) = version {
            std::fs::write(&script, format!("{version} {{ global: stub; }};")).unwrap();
            arguments.push(format!("-Wl,--version-script={}", script.display()));
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        std::fs::write(directory.path().join("stub.so"), compile("int stub(void) { return 1; }", &arguments))
            .unwrap();
        Self(directory)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("stub.so")
    }

    /// What becomes of a plugin that is linked to it.
    fn user(&self, arguments: &[&str], search: &Search) -> Inspection {
        let path = self.path();
        let arguments = [&[path.to_str().unwrap(), "-nostdlib"], arguments].concat();
        plugin_in("int stub(void); int f(void) { return stub(); }", &arguments, search)
    }
}

fn step(inspection: &Inspection) -> (&str, &str) {
    inspection.problem.as_ref().map_or(("", ""), |problem| (problem.step, problem.message.as_str()))
}

fn cure(inspection: &Inspection) -> &str {
    inspection.problem.as_ref().map_or("", |problem| problem.cure.as_str())
}
