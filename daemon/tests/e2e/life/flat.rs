//! Nothing grows with the number of replacements: descriptors, processes, memory, cgroup directories, files.

use std::path::Path;

use super::load::Load;
use super::{C, c, with};
use crate::artifacts::misbehave;
use crate::client::Spec;
use crate::harness::{PATIENCE, Valord};

/// So many replacements; more by the environment.
const REPLACEMENTS: &str = "VALOR_TEST_REPLACEMENTS";
const FEW: usize = 50;

/// Two builds that are small, so that hashing them is not what takes the time.
const EVEN: &str = "ok\n";
const ODD: &str = C;

fn small() -> std::path::PathBuf {
    misbehave("exit_on_request")
}

/// Plugins in this test, and processes of each: the spawned one, the sandbox's init, the plugin.
const PLUGINS: usize = 4;
const EACH: usize = 3;

/// What may settle first: caches, threads that are made on demand.
const WARM_UP: usize = 20;

/// Memory that may come and go, whatever the number of replacements: the allocator's own, in KiB.
const SLACK_KIB: u64 = 24 * 1024;

/// What this process, which is the daemon, has.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Belongings {
    descriptors: usize,
    processes: usize,
    groups: usize,
    files: usize,
}

fn belongings(valord: &Valord) -> Belongings {
    fn count(dir: &Path) -> usize {
        std::fs::read_dir(dir).map_or(0, Iterator::count)
    }
    fn processes(pid: u32) -> usize {
        let children =
            std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        children.split_whitespace().map(|child| 1 + processes(child.parse().unwrap())).sum()
    }
    // The children of all threads are children of the process.
    let threads = std::fs::read_dir("/proc/self/task").unwrap().map(|entry| entry.unwrap().file_name());
    let own = threads.map(|thread| {
        let path = format!("/proc/self/task/{}/children", thread.to_string_lossy());
        let children = std::fs::read_to_string(path).unwrap_or_default();
        children.split_whitespace().map(|child| 1 + processes(child.parse().unwrap())).sum::<usize>()
    });
    let state = valord.dir.path().join("state");
    Belongings {
        descriptors: count(Path::new("/proc/self/fd")),
        processes: own.sum(),
        groups: groups(),
        files: ["plugins", "artifacts", "data", "run"].iter().map(|dir| count(&state.join(dir))).sum(),
    }
}

/// Directories below this process's own cgroup, where it has one of version 2.
fn groups() -> usize {
    fn below(dir: &Path) -> usize {
        let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
        let dirs = entries.filter_map(Result::ok).filter(|entry| entry.path().is_dir());
        dirs.map(|entry| 1 + below(&entry.path())).sum()
    }
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let unified = own.lines().find_map(|line| line.strip_prefix("0::/"));
    unified.map_or(0, |path| below(&Path::new("/sys/fs/cgroup").join(path)))
}

/// Waits until everything that is only passing is gone.
async fn settled(valord: &Valord, wanted: &Belongings) -> Result<(), Belongings> {
    let mut last = belongings(valord);
    let waiting = async {
        while last != *wanted {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            last = belongings(valord);
        }
    };
    let settled = tokio::time::timeout(PATIENCE, waiting).await;
    settled.map_err(|_| last)
}

/// Resident memory that is not a file's, in KiB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

async fn replace(valord: &Valord, load: &Load, version: usize) {
    let (file, answer) = if version % 2 == 1 { (c(), ODD) } else { (small(), EVEN) };
    load.begin();
    valord.register(Spec::new(file, "x").replace()).await;
    load.done();
    assert_eq!(valord.get("/x/ok").await.text(), answer, "replacement {version}");
}

#[tokio::test]
async fn nothing_grows_with_replacements() {
    let replacements = std::env::var(REPLACEMENTS).map_or(FEW, |count| count.parse().unwrap());
    let valord = with(Spec::new(small(), "x")).await;
    // Both builds are kept by somebody, so that the number of artifacts does not depend on who serves.
    valord.register(Spec::new(small(), "one")).await;
    valord.register(Spec::new(c(), "other")).await;
    let load = Load::of(&valord, "/x/ok", 2, [EVEN, ODD]).await;
    for version in 1..=WARM_UP {
        replace(&valord, &load, version).await;
    }
    let waiting = async {
        loop {
            let now = belongings(&valord);
            if now.processes <= PLUGINS * EACH {
                return now;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("processes stay behind");
    // What is there when nothing passes any more, seen twice.
    let mut before = belongings(&valord);
    while settled_twice(&valord, &before).await.is_err() {
        before = belongings(&valord);
    }
    let memory_before = memory();
    let began = std::time::Instant::now();
    for version in WARM_UP + 1..=WARM_UP + replacements {
        replace(&valord, &load, version).await;
    }
    let took = began.elapsed();
    if let Err(after) = settled(&valord, &before).await {
        panic!("after {replacements} replacements there is {after:?}, and not {before:?}");
    }
    let grown = memory().saturating_sub(memory_before);
    let answers = load.stop().await;
    eprintln!(
        "{replacements} replacements in {took:.1?}, {answers} answers, {grown} KiB more of {memory_before}"
    );
    assert!(grown < SLACK_KIB, "{grown} KiB more than {memory_before} after {replacements} replacements");
    let plugin = valord.plugin("x").await;
    assert_eq!((plugin.state.as_str(), plugin.restarts, plugin.errors), ("ready", 0, 0));
    assert_eq!(valord.plugin("neighbour").await.restarts, 0);
    valord.stop().await;
}

async fn settled_twice(valord: &Valord, seen: &Belongings) -> Result<(), ()> {
    for _ in 0..5 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        if belongings(valord) != *seen {
            return Err(());
        }
    }
    Ok(())
}
