//! Control groups, version 2: a fresh directory for each process that is started, where the system lends one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Controllers that plugins are limited by.
const CONTROLLERS: [&str; 3] = ["memory", "pids", "cpu"];

/// Where groups are made, or why there are none.
#[derive(Debug, Clone)]
pub struct Cgroups {
    base: Result<PathBuf, String>,
    /// Those of [`CONTROLLERS`] that children can have.
    controllers: Vec<&'static str>,
}

/// The group of one started process. Dropped, everything in it is killed and it is removed.
#[derive(Debug)]
pub struct Cgroup {
    dir: PathBuf,
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

    /// Whether a group counts memory.
    #[must_use]
    pub fn counts_memory(&self) -> bool {
        self.controllers.contains(&"memory")
    }

    /// A fresh group; `None` where there are none. A group is never used twice: it is poisoned once it was killed.
    ///
    /// # Errors
    /// When it cannot be made or a limit not be set.
    pub fn create(&self, name: &str, memory: u64, processes: u64) -> io::Result<Option<Cgroup>> {
        let Ok(base) = &self.base else { return Ok(None) };
        let group = Cgroup { dir: base.join(format!("valor-{name}")) };
        fs::create_dir(&group.dir)?;
        let set = |file: &str, value: String| fs::write(group.dir.join(file), value);
        if self.counts_memory() {
            set("memory.max", memory.to_string())?;
            set("memory.oom.group", "1".to_owned())?;
            // Absent without swap accounting.
            let _set = set("memory.swap.max", "0".to_owned());
        }
        if self.controllers.contains(&"pids") {
            set("pids.max", processes.to_string())?;
        }
        if self.controllers.contains(&"cpu") {
            set("cpu.weight", "100".to_owned())?;
        }
        Ok(Some(group))
    }
}

impl Cgroup {
    /// Puts a process in.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn add(&self, pid: u32) -> io::Result<()> {
        fs::write(self.dir.join("cgroup.procs"), pid.to_string())
    }

    /// Kills everything in it.
    pub fn kill(&self) {
        // Absent before Linux 5.14; the pidfds do it then.
        let _killed = fs::write(self.dir.join("cgroup.kill"), "1");
    }

    /// Whether the kernel has killed something in it for want of memory.
    #[must_use]
    pub fn out_of_memory(&self) -> bool {
        let events = fs::read_to_string(self.dir.join("memory.events")).unwrap_or_default();
        events.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|n| n.trim() != "0"))
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        self.kill();
        // What is still dying is swept when the next daemon starts.
        let _removed = fs::remove_dir(&self.dir);
    }
}

/// Removes empty groups that a killed daemon has left.
fn sweep(base: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("valor-") {
            // Those in use refuse.
            let _removed = fs::remove_dir(entry.path());
        }
    }
}

fn why_missing(missing: &[&str]) -> String {
    let v1 = fs::read_to_string("/proc/cgroups").unwrap_or_default();
    // Columns: name, hierarchy (0: version 2), groups, enabled.
    let on_v1 = |name: &str| {
        v1.lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .any(|c| c.len() > 1 && c[0] == name && c[1] != "0")
    };
    let list = missing.join(", ");
    if missing.iter().any(|name| on_v1(name)) {
        format!("on cgroup v1, which is not supported: {list}")
    } else {
        format!("not delegated: {list}; start valord by its unit, which says Delegate=yes")
    }
}

/// The directory in which the daemon may make groups.
fn delegated() -> Result<PathBuf, String> {
    let mounts =
        fs::read_to_string("/proc/self/mountinfo").map_err(|e| format!("cannot read the mounts: {e}"))?;
    let mount = mounts
        .lines()
        .find_map(|line| {
            let (left, right) = line.split_once(" - ")?;
            right.starts_with("cgroup2 ").then(|| left.split(' ').nth(4))?
        })
        .ok_or("cgroup v2 is not mounted")?;
    let own =
        fs::read_to_string("/proc/self/cgroup").map_err(|e| format!("cannot read the own group: {e}"))?;
    let own =
        own.lines().find_map(|line| line.strip_prefix("0::/")).ok_or("the daemon is in no cgroup v2")?;
    if own.is_empty() {
        return Err(why_missing(&CONTROLLERS[..1]));
    }
    let dir = Path::new(mount).join(own);
    // With DelegateSubgroup= the daemon sits one level below what was delegated.
    if let Some(parent) = dir.parent().filter(|parent| is_delegated(parent)) {
        return Ok(parent.to_owned());
    }
    if !is_delegated(&dir) {
        return Err("the daemon's group is not delegated: start valord by its unit, which says Delegate=yes"
            .to_owned());
    }
    // Groups with controllers may have no processes of their own beside them.
    let inner = dir.join("supervisor");
    let step_aside = || {
        fs::create_dir_all(&inner)?;
        fs::write(inner.join("cgroup.procs"), std::process::id().to_string())
    };
    step_aside().map_err(|e: io::Error| format!("cannot step aside into {}: {e}", inner.display()))?;
    Ok(dir)
}

/// The service manager marks what it gives away.
fn is_delegated(dir: &Path) -> bool {
    ["user.delegate", "trusted.delegate"].iter().any(|name| {
        let mut value = [0; 8];
        matches!(rustix::fs::getxattr(dir, *name, &mut value[..]), Ok(1) if value[0] == b'1')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_told() {
        let groups = Cgroups { base: Err("because".to_owned()), controllers: Vec::new() };
        assert_eq!(groups.hold(), Hold::Absent("because".to_owned()));
        assert!(groups.create("x", 1, 1).unwrap().is_none());
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
        let group = groups.create("x-1", 1 << 20, 64).unwrap().unwrap();
        let read = |file: &str| fs::read_to_string(dir.path().join("valor-x-1").join(file)).unwrap();
        assert_eq!(
            (read("memory.max"), read("pids.max"), read("memory.oom.group")),
            ("1048576".into(), "64".into(), "1".into())
        );
        assert!(!group.out_of_memory());
        fs::write(dir.path().join("valor-x-1/memory.events"), "low 0\noom 1\noom_kill 2\n").unwrap();
        assert!(group.out_of_memory());
        assert!(groups.create("x-1", 1, 1).is_err(), "never the same one twice");
    }
}
