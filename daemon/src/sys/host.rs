//! What this machine lends to sandboxes, as far as it can be told without making one.

use std::fs;

use valor_wire::control::{LayerReport, LayerStatus};

use super::cgroup::{Cgroups, Hold};
use super::proc;

/// Bits of capabilities that changing to a plugin's own uid needs.
const CAP_SETGID: u64 = 1 << 6;
const CAP_SETUID: u64 = 1 << 7;

/// Whether plugins can be given uids of their own.
#[must_use]
pub fn can_change_uid() -> bool {
    let wanted = CAP_SETGID | CAP_SETUID;
    rustix::process::geteuid().is_root() && effective_capabilities() & wanted == wanted
}

fn effective_capabilities() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.and_then(|value| u64::from_str_radix(value.trim(), 16).ok()).unwrap_or_default()
}

/// A row for each thing that differs from machine to machine.
#[must_use]
pub fn facts(cgroups: &Cgroups) -> Vec<LayerReport> {
    vec![uids(), namespaces(), landlock(), seccomp(), cgroup(cgroups)]
}

/// The state of the daemon's groups as a layer.
#[must_use]
pub fn cgroup(cgroups: &Cgroups) -> LayerReport {
    match cgroups.hold() {
        Hold::Full => row("cgroup", LayerStatus::Full, String::new()),
        Hold::Partial(reason) => row("cgroup", LayerStatus::Partial, reason),
        Hold::Absent(reason) => row("cgroup", LayerStatus::Absent, reason),
    }
}

fn uids() -> LayerReport {
    if can_change_uid() {
        row("uid", LayerStatus::Full, "every plugin has a uid of its own".to_owned())
    } else {
        row("uid", LayerStatus::Absent, "valord does not run as root: plugins share its uid".to_owned())
    }
}

fn namespaces() -> LayerReport {
    if can_change_uid() {
        return row("namespaces", LayerStatus::Full, "made with root's privilege".to_owned());
    }
    let number = |path: &str| fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<u64>().ok());
    let closed = [
        ("/proc/sys/user/max_user_namespaces", 0, "user.max_user_namespaces is 0"),
        ("/proc/sys/kernel/unprivileged_userns_clone", 0, "kernel.unprivileged_userns_clone is 0"),
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            1,
            "AppArmor restricts user namespaces: install the profile of the valor package",
        ),
    ];
    match closed.iter().find(|(path, value, _)| number(path) == Some(*value)) {
        Some((_, _, reason)) => row("namespaces", LayerStatus::Absent, (*reason).to_owned()),
        None => row("namespaces", LayerStatus::Full, "user namespaces".to_owned()),
    }
}

fn landlock() -> LayerReport {
    match fs::read_to_string("/sys/kernel/security/lsm") {
        Ok(lsm) if lsm.split(',').any(|name| name.trim() == "landlock") => {
            row("landlock", LayerStatus::Full, String::new())
        }
        Ok(_) => {
            row("landlock", LayerStatus::Absent, "not among the security modules of this kernel".to_owned())
        }
        Err(_) => row(
            "landlock",
            LayerStatus::Partial,
            "not known before a plugin has tried it: see its inspection".to_owned(),
        ),
    }
}

fn seccomp() -> LayerReport {
    match proc::status(std::process::id()) {
        Ok(status) if status.seccomp_filters.is_some() => row("seccomp", LayerStatus::Full, String::new()),
        _ => row(
            "seccomp",
            LayerStatus::Partial,
            "the kernel does not count filters: they cannot be verified".to_owned(),
        ),
    }
}

fn row(layer: &str, status: LayerStatus, reason: String) -> LayerReport {
    LayerReport { layer: layer.to_owned(), status, reason, verified: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fact_has_its_row() {
        let facts = facts(&Cgroups::detect());
        let names: Vec<_> = facts.iter().map(|row| row.layer.as_str()).collect();
        assert_eq!(names, ["uid", "namespaces", "landlock", "seccomp", "cgroup"]);
        for row in facts {
            assert!(row.status == LayerStatus::Full || !row.reason.is_empty(), "{row:?}");
        }
    }
}
