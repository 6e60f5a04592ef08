//! Control groups, version 2: a fresh directory for each process that is started, where the system lends one.

mod delegation;
mod group;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use delegation::{delegated, why_missing};
pub use group::{Cgroup, Witness};

/// How the names of our groups begin.
const PREFIX: &str = "valor-";

/// Controllers that plugins are limited by.
const CONTROLLERS: [&str; 3] = ["memory", "pids", "cpu"];

/// Where groups are made, or why there are none.
#[derive(Debug, Clone)]
pub struct Cgroups {
    base: Result<PathBuf, String>,
    /// Those of [`CONTROLLERS`] that children can have.
    controllers: Vec<&'static str>,
}

/// What is in a group may use this much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes.
    pub memory: u64,
    /// Processes and threads.
    pub pids: u64,
    /// Thousandths of a core; `None`: what there is.
    pub cpu: Option<u32>,
}

/// How far a group limits what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// Memory, processes and CPU.
    Full,
    /// Not all of them: why.
    Partial(String),
    /// There is no group: why.
    Absent(String),
}

impl Cgroups {
    /// Looks for a directory that the system has given to the daemon.
    #[must_use]
    pub fn detect() -> Self {
        match delegated() {
            Ok(base) => Self::within(base),
            Err(reason) => Self { base: Err(reason), controllers: Vec::new() },
        }
    }

    /// Makes groups in this directory.
    #[must_use]
    pub fn within(base: PathBuf) -> Self {
        let words = |file: &str| fs::read_to_string(base.join(file)).unwrap_or_default();
        let offered = words("cgroup.controllers");
        for name in CONTROLLERS.iter().filter(|name| offered.split_whitespace().any(|word| word == **name)) {
            // Checked below; it may be on already, or not be ours to switch.
            let _on = fs::write(base.join("cgroup.subtree_control"), format!("+{name}"));
        }
        let on = words("cgroup.subtree_control");
        let controllers =
            CONTROLLERS.into_iter().filter(|name| on.split_whitespace().any(|word| word == *name)).collect();
        sweep(&base);
        Self { base: Ok(base), controllers }
    }

    /// What a group is good for on this machine.
    #[must_use]
    pub fn hold(&self) -> Hold {
        if let Err(reason) = &self.base {
            return Hold::Absent(reason.clone());
        }
        let missing: Vec<_> =
            CONTROLLERS.into_iter().filter(|name| !self.controllers.contains(name)).collect();
        if missing.is_empty() { Hold::Full } else { Hold::Partial(why_missing(&missing)) }
    }

    /// Whether a group holds what is in it by this controller.
    #[must_use]
    pub fn holds(&self, controller: &str) -> bool {
        self.controllers.contains(&controller)
    }

    /// A fresh group; `None` where there are none. A group is never used twice: it is poisoned once it was killed.
    ///
    /// # Errors
    /// When it cannot be made or a limit not be set; there is none then.
    pub fn create(&self, name: &str, bounds: &Bounds) -> io::Result<Option<Cgroup>> {
        let Ok(base) = &self.base else { return Ok(None) };
        Cgroup::create(base.join(format!("{PREFIX}{name}")), bounds, &self.controllers).map(Some)
    }
}

/// Removes empty groups that a killed daemon has left.
fn sweep(base: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            // Those in use refuse.
            group::remove(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const BOUNDS: Bounds = Bounds { memory: 1 << 20, pids: 64, cpu: Some(250) };

    #[test]
    fn the_reason_is_told() {
        let groups = Cgroups { base: Err("because".to_owned()), controllers: Vec::new() };
        assert_eq!(groups.hold(), Hold::Absent("because".to_owned()));
        assert!(groups.create("x", &BOUNDS).unwrap().is_none());
    }

    /// Directories stand in for the real thing where the machine has none: what is written where.
    #[test]
    fn limits_are_set_and_leftovers_swept() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("cgroup.controllers"), "cpuset cpu memory pids").unwrap();
        fs::write(dir.path().join("cgroup.subtree_control"), "").unwrap();
        fs::create_dir(dir.path().join("valor-old")).unwrap();
        fs::create_dir(dir.path().join("other")).unwrap();
        let groups = Cgroups::within(dir.path().to_owned());
        assert!(!dir.path().join("valor-old").exists());
        assert!(dir.path().join("other").exists());
        // A plain file keeps the last write only.
        assert_eq!(groups.controllers, Vec::<&str>::new());
        assert!(matches!(groups.hold(), Hold::Partial(_)));

        let groups = Cgroups { base: Ok(dir.path().to_owned()), controllers: CONTROLLERS.to_vec() };
        assert_eq!(groups.hold(), Hold::Full);
        let group = groups.create("x-1", &BOUNDS).unwrap().unwrap();
        let read = |file: &str| fs::read_to_string(dir.path().join("valor-x-1").join(file)).unwrap();
        let expected = [("memory.max", "1048576"), ("pids.max", "64"), ("cpu.max", "25000 100000")];
        for (file, value) in expected.into_iter().chain([("memory.oom.group", "1")]) {
            assert_eq!(read(file), value, "{file}");
        }
        assert_eq!(group.limits(), expected.map(|(file, value)| format!("{file} {value}")).join(", "));
        assert!(groups.create("x-1", &BOUNDS).is_err(), "never the same one twice");
    }

    #[tokio::test]
    async fn how_it_ended_is_known_when_it_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let groups = Cgroups { base: Ok(dir.path().to_owned()), controllers: Vec::new() };
        let group = groups.create("x", &BOUNDS).unwrap().unwrap();
        let (witness, events) = (Arc::clone(group.witness()), dir.path().join("valor-x/memory.events"));
        fs::write(&events, "low 0\noom 1\noom_kill 0\n").unwrap();
        assert!(!witness.out_of_memory());
        fs::write(&events, "low 0\noom 1\noom_kill 2\n").unwrap();
        let (gone, ()) = tokio::join!(group.removed(), async {
            // It stays until it is empty.
            tokio::task::yield_now().await;
            assert!(events.exists());
            fs::remove_file(&events).unwrap();
        });
        let () = gone;
        assert!(!dir.path().join("valor-x").exists() && witness.out_of_memory());
    }
}
