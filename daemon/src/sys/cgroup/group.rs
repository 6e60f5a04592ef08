//! One group: its limits, its end, and what the kernel has done in it.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::Bounds;

/// The period of `cpu.max`, in microseconds; a thousandth of it is what a thousandth of a core may run.
const PERIOD: u64 = 100_000;

/// Between two attempts to remove a group whose last process has not quite left it.
const PAUSE: Duration = Duration::from_millis(5);

/// The group of one started process. Dropped, everything in it is killed and it is removed.
#[derive(Debug)]
pub struct Cgroup {
    dir: PathBuf,
    witness: Arc<Witness>,
}

/// Knows whether the kernel has killed something in a group for want of memory, also when the group is gone.
#[derive(Debug)]
pub struct Witness {
    events: PathBuf,
    killed: AtomicBool,
}

impl Cgroup {
    /// A fresh one with these limits, as far as `controllers` can hold them.
    pub(super) fn create(dir: PathBuf, bounds: &Bounds, controllers: &[&str]) -> io::Result<Self> {
        fs::create_dir(&dir)?;
        let witness = Witness { events: dir.join("memory.events"), killed: AtomicBool::new(false) };
        let group = Self { dir, witness: Arc::new(witness) };
        let set = |file: &str, value: String| {
            fs::write(group.dir.join(file), value)
                .map_err(|error| io::Error::new(error.kind(), format!("{file}: {error}")))
        };
        for controller in controllers {
            match *controller {
                "memory" => {
                    set("memory.max", bounds.memory.to_string())?;
                    // All of a plugin or nothing of it.
                    set("memory.oom.group", "1".to_owned())?;
                    // Absent without swap accounting.
                    let _set = set("memory.swap.max", "0".to_owned());
                }
                "pids" => set("pids.max", bounds.pids.to_string())?,
                "cpu" => {
                    if let Some(cpu) = bounds.cpu {
                        set("cpu.max", format!("{} {PERIOD}", u64::from(cpu) * PERIOD / 1000))?;
                    }
                }
                _ => {}
            }
        }
        Ok(group)
    }

    /// The limits as the kernel has them.
    #[must_use]
    pub fn limits(&self) -> String {
        let read = |file: &str| {
            let value = fs::read_to_string(self.dir.join(file)).ok()?;
            Some(format!("{file} {}", value.trim_end()))
        };
        ["memory.max", "pids.max", "cpu.max"].into_iter().filter_map(read).collect::<Vec<_>>().join(", ")
    }

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

    /// Removes it, as soon as what was killed has left it. Resolves when it is gone, and not before.
    pub async fn removed(&self) {
        while !self.remove() {
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Who tells how it ended.
    #[must_use]
    pub fn witness(&self) -> &Arc<Witness> {
        &self.witness
    }

    /// True: it is gone.
    fn remove(&self) -> bool {
        // Afterwards nobody can ask the kernel any more.
        self.witness.out_of_memory();
        remove(&self.dir)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        self.kill();
        // What is still dying is swept when the next daemon starts.
        self.remove();
    }
}

impl Witness {
    /// Whether the kernel has killed something for want of memory. It counts before it kills, so who sees the end sees this.
    pub fn out_of_memory(&self) -> bool {
        let events = fs::read_to_string(&self.events).unwrap_or_default();
        if events.lines().any(|line| line.strip_prefix("oom_kill ").is_some_and(|n| n.trim() != "0")) {
            self.killed.store(true, Ordering::Relaxed);
        }
        self.killed.load(Ordering::Relaxed)
    }
}

/// Removes an empty group; true: there is none any more.
pub(super) fn remove(dir: &Path) -> bool {
    match fs::remove_dir(dir) {
        Ok(()) => true,
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}
