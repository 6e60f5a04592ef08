//! What `/proc` says of a process: the daemon's own look at what a shim reports.

use std::io;
use std::path::PathBuf;

/// The lines of `/proc/PID/status` that matter here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// The parent's pid.
    pub parent: u32,
    /// Real, effective, saved, file system.
    pub uids: Vec<u32>,
    /// The same for the group.
    pub gids: Vec<u32>,
    /// Its pid in each pid namespace, the daemon's first.
    pub pids: Vec<u32>,
    /// Inheritable, permitted, effective, ambient, all in one.
    pub capabilities: Option<u64>,
    /// Those that could be gained.
    pub bounding: Option<u64>,
    /// `no_new_privs`.
    pub no_new_privs: bool,
    /// 2: a filter.
    pub seccomp: u32,
    /// How many filters; kernels before 5.9 do not say.
    pub seccomp_filters: Option<u32>,
}

/// Reads `/proc/PID/status`.
///
/// # Errors
/// When there is no such process, or it is hidden.
pub fn status(pid: u32) -> io::Result<Status> {
    Ok(parse(&std::fs::read_to_string(format!("/proc/{pid}/status"))?))
}

fn parse(text: &str) -> Status {
    let mut status = Status::default();
    let mut caps = Vec::new();
    for (key, value) in text.lines().filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        let numbers = || value.split_whitespace().filter_map(|n| n.parse().ok()).collect::<Vec<u32>>();
        match key {
            "PPid" => status.parent = value.parse().unwrap_or_default(),
            "Uid" => status.uids = numbers(),
            "Gid" => status.gids = numbers(),
            "NSpid" => status.pids = numbers(),
            "CapInh" | "CapPrm" | "CapEff" | "CapAmb" => caps.extend(u64::from_str_radix(value, 16).ok()),
            "CapBnd" => status.bounding = u64::from_str_radix(value, 16).ok(),
            "NoNewPrivs" => status.no_new_privs = value == "1",
            "Seccomp" => status.seccomp = value.parse().unwrap_or_default(),
            "Seccomp_filters" => status.seccomp_filters = value.parse().ok(),
            _ => {}
        }
    }
    status.capabilities = (caps.len() == 4).then(|| caps.into_iter().fold(0, |all, set| all | set));
    status
}

/// Which namespace of a kind (`net`, `mnt`, ...) a process is in; `None`: the daemon itself.
///
/// # Errors
/// When the daemon may not know.
pub fn namespace(pid: Option<u32>, kind: &str) -> io::Result<PathBuf> {
    match pid {
        Some(pid) => std::fs::read_link(format!("/proc/{pid}/ns/{kind}")),
        None => std::fs::read_link(format!("/proc/self/ns/{kind}")),
    }
}

/// How many descriptors a process has.
///
/// # Errors
/// When the daemon may not know.
pub fn descriptors(pid: u32) -> io::Result<usize> {
    Ok(std::fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

/// A process that is not dumpable has files in `/proc` that belong to root.
///
/// # Errors
/// When there is no such process.
pub fn owner(pid: u32) -> io::Result<u32> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(std::fs::metadata(format!("/proc/{pid}/environ"))?.uid())
}

/// The hard limit of a resource, as `/proc/PID/limits` names it; `None`: unlimited, or no such line.
///
/// # Errors
/// When there is no such process.
pub fn limit(pid: u32, name: &str) -> io::Result<Option<u64>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/limits"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    Ok(line.and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok()))
}

/// The scheduling policy of a process, by its number (sched(7)); of its main thread, which the others inherit.
///
/// # Errors
/// When there is no such process, or its line is none.
pub fn policy(pid: u32) -> io::Result<i32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // A name may have anything in it, but nothing behind it has a parenthesis: proc_pid_stat(5).
    let behind_name = text.rsplit(") ").next().unwrap_or_default();
    let policy = behind_name.split(' ').nth(38).and_then(|number| number.parse().ok());
    policy.ok_or_else(|| io::Error::other("/proc/PID/stat has no policy"))
}

/// The processes that the main thread of a process has started.
///
/// # Errors
/// When there is no such process, or the kernel does not tell.
pub fn children(pid: u32) -> io::Result<Vec<u32>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    Ok(text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read() {
        let text = "Name:\tx\nPPid:\t12\nUid:\t1\t2\t3\t4\nGid:\t5\t5\t5\t5\nNSpid:\t900\t2\nCapInh:\t0\nCapPrm:\t0\n\
                    CapEff:\t0\nCapBnd:\t000001ff\nCapAmb:\t0\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t3\n";
        let status = parse(text);
        assert_eq!((status.parent, status.uids, status.pids), (12, vec![1, 2, 3, 4], vec![900, 2]));
        assert_eq!((status.capabilities, status.no_new_privs, status.seccomp), (Some(0), true, 2));
        assert_eq!(status.bounding, Some(0x1ff));
        assert_eq!(status.seccomp_filters, Some(3));
        assert_eq!(parse("CapEff:\t0\nnonsense\n:::").capabilities, None, "what is not said is not known");
    }

    #[test]
    fn the_daemon_sees_itself() {
        let me = std::process::id();
        let status = status(me).unwrap();
        assert_eq!(status.uids.len(), 4);
        assert!(status.capabilities.is_some());
        assert_eq!(namespace(Some(me), "net").unwrap(), namespace(None, "net").unwrap());
        assert!(descriptors(me).unwrap() >= 3);
        assert!(limit(me, "Max open files").unwrap().is_some());
        assert_eq!(limit(me, "Max nonsense").unwrap(), None);
        assert_eq!(policy(me).unwrap(), super::super::schedule::policy().unwrap());
        assert!(super::status(u32::MAX).is_err());
    }
}
