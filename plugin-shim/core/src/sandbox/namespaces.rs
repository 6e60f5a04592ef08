//! Layers `user-namespace` to `cgroup-namespace`: one view of the machine for each plugin.
//!
//! Root makes all but the user namespace with its own privilege, so that hosts which forbid unprivileged user namespaces
//! work too; anybody else makes the user namespace first and has privilege in there. Each one is asked for alone
//! when they cannot be had together, and reported.

use std::fs;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};
use valor_wire::control::LayerReport;

use crate::report;

/// One kind: layer, flag, name in `/proc/self/ns`.
type Kind = (&'static str, CloneFlags, &'static str);

const MOUNT: Kind = ("mount-namespace", CloneFlags::CLONE_NEWNS, "mnt");
const PID: Kind = ("pid-namespace", CloneFlags::CLONE_NEWPID, "pid_for_children");
const KINDS: [Kind; 6] = [
    MOUNT,
    PID,
    ("net-namespace", CloneFlags::CLONE_NEWNET, "net"),
    ("ipc-namespace", CloneFlags::CLONE_NEWIPC, "ipc"),
    ("uts-namespace", CloneFlags::CLONE_NEWUTS, "uts"),
    ("cgroup-namespace", CloneFlags::CLONE_NEWCGROUP, "cgroup"),
];

/// What could be had, as far as the following steps depend on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Namespaces {
    /// Mounts are this process's own.
    pub(super) mount: bool,
    /// The next child is PID 1.
    pub(super) pid: bool,
}

/// Makes the namespaces; `root` says with whose privilege.
pub(super) fn apply(root: bool, reports: &mut Vec<LayerReport>) -> Namespaces {
    reports.push(if root {
        report::absent(
            "user-namespace",
            "not needed: root made the other namespaces, and each plugin has a uid of its own",
        )
    } else {
        user()
    });
    let before = KINDS.map(|kind| identity(kind.2));
    let together = KINDS.iter().fold(CloneFlags::empty(), |all, kind| all | kind.1);
    let alone = unshare(together).is_err();
    let mut made = Namespaces { mount: false, pid: false };
    for (kind, before) in KINDS.into_iter().zip(before) {
        let result = if alone { unshare(kind.1) } else { Ok(()) };
        let entry = match result {
            Ok(()) => report::probed(kind.0, probe(kind, before)),
            Err(errno) => report::absent(kind.0, reason(errno, root)),
        };
        let full = entry.status == valor_wire::control::LayerStatus::Full;
        made.mount |= full && kind == MOUNT;
        made.pid |= full && kind == PID;
        reports.push(entry);
    }
    // Without its own namespace this would rename the machine: the call then lacks the privilege, or is not made.
    if reports
        .iter()
        .any(|r| r.layer == "uts-namespace" && r.status == valor_wire::control::LayerStatus::Full)
    {
        let _cosmetic = nix::unistd::sethostname("plugin");
    }
    made
}

/// The user namespace, with the same ids inside as outside.
fn user() -> LayerReport {
    const LAYER: &str = "user-namespace";
    let (uid, gid) = (geteuid(), getegid());
    if let Err(errno) = unshare(CloneFlags::CLONE_NEWUSER) {
        return report::absent(LAYER, reason(errno, false));
    }
    let steps = [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("{uid} {uid} 1")),
        ("gid_map", format!("{gid} {gid} 1")),
    ];
    for (file, line) in steps {
        if let Err(error) = fs::write(format!("/proc/self/{file}"), line) {
            return report::partial(
                LAYER,
                format!("made, but /proc/self/{file} cannot be written ({error}): {}", cure(false)),
            );
        }
    }
    if geteuid() != uid || getegid() != gid {
        return report::partial(LAYER, "made, but the ids are not mapped to themselves");
    }
    report::full(LAYER, "")
}

/// Which namespace this process is in; `None` without /proc.
fn identity(name: &str) -> Option<PathBuf> {
    fs::read_link(format!("/proc/self/ns/{name}")).ok()
}

fn probe(kind: Kind, before: Option<PathBuf>) -> Result<(), String> {
    match (before, identity(kind.2)) {
        // `pid_for_children` cannot be read before the first child exists.
        (Some(_), None) if kind == PID => Ok(()),
        (Some(before), Some(now)) if before == now => Err("the kernel made none".to_owned()),
        _ => Ok(()),
    }
}

fn reason(errno: Errno, root: bool) -> String {
    match errno {
        Errno::EPERM | Errno::EACCES => format!("forbidden here ({errno}): {}", cure(root)),
        Errno::ENOSPC | Errno::EUSERS => {
            "the limit on namespaces is reached: raise user.max_*_namespaces by sysctl".to_owned()
        }
        Errno::EINVAL | Errno::ENOSYS => format!("this kernel was built without ({errno})"),
        errno => errno.to_string(),
    }
}

const fn cure(root: bool) -> &'static str {
    if root {
        "give valord CAP_SYS_ADMIN, or start it as an ordinary user where user namespaces are allowed"
    } else {
        "allow user namespaces (the AppArmor profile of valor's package, kernel.unprivileged_userns_clone=1, \
         kernel.apparmor_restrict_unprivileged_userns=0), or start valord as root"
    }
}
