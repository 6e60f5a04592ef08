//! What an artifact needs, followed to the end, as the dynamic linker would with an empty environment.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use super::elf::{self, Facts};
use super::{Library, Problem, directories, problem, read_library};
use crate::sandbox::sys;

/// More libraries than any honest plugin needs.
const MAX_LIBRARIES: usize = 512;
/// So much of a RUNPATH is shown, in characters.
const MAX_SHOWN: usize = 200;

/// This machine, as far as it matters.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    /// As Rust names it.
    pub(super) arch: &'static str,
    /// The version of its glibc.
    pub(super) glibc: String,
    /// What the shim has loaded.
    loaded: Vec<PathBuf>,
}

impl Machine {
    /// This one.
    pub(super) fn here() -> Self {
        // The same libraries as the plugin process will have.
        let _told_when_it_matters = sys::preload();
        let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let mut loaded: Vec<PathBuf> = maps
            .lines()
            .filter_map(|line| line.split_whitespace().nth(5))
            .filter(|path| path.starts_with('/') && path.contains(".so"))
            .map(PathBuf::from)
            .collect();
        loaded.dedup();
        Self { arch: std::env::consts::ARCH, glibc: sys::glibc_version(), loaded }
    }

    /// This one, for a program that brings nothing of the shim's.
    pub(super) fn bare() -> Self {
        Self { arch: std::env::consts::ARCH, glibc: sys::glibc_version(), loaded: Vec::new() }
    }

    /// `real` is where the links of `path` lead.
    fn has_loaded(&self, soname: &str, path: &Path, real: &Path) -> bool {
        self.loaded.iter().any(|l| l == real || l == path || l.file_name().is_some_and(|name| name == soname))
    }
}

/// Where libraries are looked for.
#[derive(Debug)]
pub(crate) struct Search {
    machine: Machine,
    directories: Vec<PathBuf>,
}

/// A library that is needed.
#[derive(Debug)]
struct Wanted {
    soname: String,
    /// By whom, for the message.
    by: String,
    /// Where that one says that it is.
    runpath: Option<String>,
    /// The directory of that one, if it is a file of this machine.
    origin: Option<PathBuf>,
}

/// All that an artifact needs.
#[derive(Debug)]
pub(super) struct Closure {
    /// Without what the shim has loaded.
    pub(super) libraries: Vec<Library>,
}

/// The libraries that were found, and what is in them.
struct Found {
    libraries: Vec<Library>,
    defines: BTreeMap<String, HashSet<Vec<u8>>>,
    /// Files that were read.
    read: HashSet<PathBuf>,
}

impl Search {
    /// A machine without a library.
    pub(super) fn nowhere() -> Self {
        let machine = Machine { arch: std::env::consts::ARCH, glibc: "2.0".to_owned(), loaded: Vec::new() };
        Self { machine, directories: Vec::new() }
    }

    /// Where the dynamic linker of this machine looks.
    pub(super) fn new(machine: Machine) -> Self {
        let directories = directories::of_this_machine(machine.arch);
        Self { machine, directories }
    }

    /// For tests: also there, and there first.
    #[cfg(test)]
    pub(super) fn and_in(mut self, directory: &Path) -> Self {
        self.directories.insert(0, directory.to_owned());
        self
    }

    /// This machine.
    pub(super) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// What must stay readable.
    pub(super) fn directories(&self) -> &[PathBuf] {
        &self.directories
    }

    /// Follows NEEDED to the end, then checks versions and symbols.
    pub(super) fn closure(&self, plugin: &Facts) -> Result<Closure, Problem> {
        let mut missing = unresolved(plugin);
        let Found { libraries, defines, read } = self.follow(plugin, &mut missing)?;
        self.check_versions(plugin, &defines)?;
        self.check_symbols(plugin, missing, &read)?;
        Ok(Closure { libraries })
    }

    /// What a program needs; its symbols are looked for when they are used.
    pub(super) fn libraries(&self, program: &Facts) -> Result<Vec<Library>, Problem> {
        let Found { libraries, defines, .. } = self.follow(program, &mut HashSet::new())?;
        self.check_versions(program, &defines)?;
        Ok(libraries)
    }

    /// Follows NEEDED to the end. What is found of the `missing` symbols is taken out of them.
    fn follow(&self, plugin: &Facts, missing: &mut HashSet<Vec<u8>>) -> Result<Found, Problem> {
        let mut libraries = Vec::new();
        let mut defines: BTreeMap<String, HashSet<Vec<u8>>> = BTreeMap::new();
        let mut read = HashSet::new();
        let mut queue: VecDeque<Wanted> = wanted(plugin, "it", None).collect();
        while let Some(next) = queue.pop_front() {
            let soname = next.soname.clone();
            if defines.contains_key(&soname) {
                continue;
            }
            if defines.len() >= MAX_LIBRARIES {
                return Err(problem(
                    "needed",
                    format!("it needs more than {MAX_LIBRARIES} libraries"),
                    "link it statically",
                ));
            }
            let (path, facts) = self.find(&next, missing)?;
            queue.extend(wanted(&facts, &soname, path.parent()));
            let real = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
            if !self.machine.has_loaded(&soname, &path, &real) {
                libraries.push(Library { soname: soname.clone(), path: path.to_string_lossy().into_owned() });
            }
            defines.insert(soname, facts.defines);
            read.insert(real);
        }
        Ok(Found { libraries, defines, read })
    }

    /// The first of this name that is for this machine, as the dynamic linker would take it.
    fn find(&self, wanted: &Wanted, missing: &mut HashSet<Vec<u8>>) -> Result<(PathBuf, Facts), Problem> {
        let Wanted { soname, by, .. } = wanted;
        if soname.is_empty() || soname.contains('/') {
            let message = format!(
                "{by} needs the library {soname:?} by path, which does not exist in the plugin's root"
            );
            return Err(problem("needed", message, "link by name: give the library a soname"));
        }
        self.followed(wanted)
            .iter()
            .chain(&self.directories)
            .map(|directory| directory.join(soname))
            .find_map(|path| {
                let ours = |bytes: &Vec<u8>| {
                    elf::header(bytes).is_some_and(|header| header.arch == self.machine.arch)
                };
                let bytes = read_library(&path).filter(ours)?;
                Some((path, elf::library(&bytes, missing).ok()?))
            })
            .ok_or_else(|| self.missing(wanted))
    }

    /// The directories of a RUNPATH, where they lie beneath the machine's own for libraries: distributions keep some there.
    /// All others are the author's, and a plugin finds nothing there.
    fn followed(&self, wanted: &Wanted) -> Vec<PathBuf> {
        let origin = wanted.origin.as_deref().and_then(Path::to_str);
        let directories = wanted.runpath.iter().flat_map(|runpath| runpath.split(':')).filter_map(|text| {
            let text = match origin {
                Some(origin) => text.replace("${ORIGIN}", origin).replace("$ORIGIN", origin),
                None => text.to_owned(),
            };
            let real = Some(text).filter(|text| text.starts_with('/')).map(fs::canonicalize)?.ok()?;
            self.directories.iter().any(|own| real.starts_with(own)).then_some(real)
        });
        directories.collect()
    }

    fn missing(&self, Wanted { soname, by, runpath, .. }: &Wanted) -> Problem {
        let message = format!("{by} needs the library {soname}, which this machine does not have");
        if let Some(path) = self.for_some_processors(soname) {
            let (message, cure) = (
                format!("{message} but for some processors ({})", path.display()),
                format!("install {soname} for all of them, one directory up, or link it statically"),
            );
            return problem("needed", message, cure);
        }
        if let Some(runpath) = runpath {
            let runpath: String = runpath.chars().take(MAX_SHOWN).collect();
            let message =
                format!("{message}; its RUNPATH {runpath:?} leads nowhere, for a plugin travels alone");
            let cure = format!(
                "link {soname} statically, or install it in a directory that /etc/ld.so.conf.d lists"
            );
            return problem("needed", message, cure);
        }
        let cure = format!(
            "install the package that has {soname} (LD_LIBRARY_PATH is not followed: list its directory in \
             /etc/ld.so.conf.d), or link it statically"
        );
        problem("needed", message, cure)
    }

    /// A library that is there in variants for newer processors only; those are not followed, since one that fits every
    /// processor stands beside them on any machine that is in order.
    fn for_some_processors(&self, soname: &str) -> Option<PathBuf> {
        let variants = self.directories.iter().filter_map(|own| fs::read_dir(own.join("glibc-hwcaps")).ok());
        variants.flatten().flatten().map(|variant| variant.path().join(soname)).find(|path| path.is_file())
    }

    pub(super) fn check_versions(
        &self,
        plugin: &Facts,
        defines: &BTreeMap<String, HashSet<Vec<u8>>>,
    ) -> Result<(), Problem> {
        let missing = |(file, version): &&(String, Vec<u8>)| {
            defines.get(file).is_some_and(|defined| !defined.is_empty() && !defined.contains(version))
        };
        let newest = plugin.versions.iter().filter(missing).max_by_key(|(_, version)| numbers(version));
        let Some((file, version)) = newest else {
            return Ok(());
        };
        let version = String::from_utf8_lossy(version);
        let (message, cure) = match version
            .strip_prefix("GLIBC_")
            .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        {
            Some(needed) => (
                format!("it needs glibc {needed}, this machine has glibc {}", self.machine.glibc),
                format!(
                    "build it on a system with glibc {} or older (a container of this machine's release), or update this machine",
                    self.machine.glibc
                ),
            ),
            None => (
                format!("it needs version {version} of {file}, this machine's has it not"),
                format!("install a newer {file}, or build against this one"),
            ),
        };
        Err(problem("symbols", message, cure))
    }

    /// What the shim has loaded is in the plugin's scope too; of that, what is `read` already has not what is `missing`.
    pub(super) fn check_symbols(
        &self,
        plugin: &Facts,
        mut missing: HashSet<Vec<u8>>,
        read: &HashSet<PathBuf>,
    ) -> Result<(), Problem> {
        for path in self.machine.loaded.iter().filter(|path| !read.contains(*path)) {
            if missing.is_empty() {
                break;
            }
            // One that cannot be read has nothing to offer.
            let _nothing = read_library(path).map(|bytes| elf::library(&bytes, &mut missing));
        }
        let Some(name) = plugin.imports.iter().find(|name| missing.contains(*name)) else { return Ok(()) };
        let name = String::from_utf8_lossy(name);
        let message =
            format!("it uses the symbol `{name}`, which none of the libraries that it is linked to has");
        Err(problem("symbols", message, "link it to the library that has it (-l...), or statically"))
    }
}

/// The symbols that a plugin must find elsewhere.
pub(super) fn unresolved(plugin: &Facts) -> HashSet<Vec<u8>> {
    plugin.imports.iter().filter(|name| !plugin.exports.contains(*name)).cloned().collect()
}

/// What a library needs.
fn wanted<'a>(
    facts: &'a Facts,
    by: &'a str,
    origin: Option<&'a Path>,
) -> impl Iterator<Item = Wanted> + use<'a> {
    facts.needed.iter().map(move |soname| Wanted {
        soname: soname.clone(),
        by: by.to_owned(),
        runpath: facts.runpath.clone(),
        origin: origin.map(Path::to_owned),
    })
}

/// The numbers in a version's name, for comparison.
fn numbers(version: &[u8]) -> Vec<u64> {
    version
        .split(|byte| !byte.is_ascii_digit())
        .filter_map(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn versions_compare_by_number() {
        assert!(numbers(b"GLIBC_2.38") > numbers(b"GLIBC_2.4"));
        assert!(numbers(b"GLIBC_2.2.5") < numbers(b"GLIBC_2.34"));
    }
}
