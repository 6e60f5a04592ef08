//! The daemon's own look at a confined process, from outside, before anything of the plugin runs in it.

use valor_wire::control::{Identity, LayerReport, LayerStatus, Rlimits};

use crate::sys::proc::{self, Status};
use crate::sys::schedule::{BATCH, OTHER};

/// What the process was asked to become.
#[derive(Debug)]
pub(super) struct Expected {
    pub identity: Option<Identity>,
    pub rlimits: Rlimits,
    /// Descriptors 0 to 2, the control socket and the data sockets.
    pub descriptors: usize,
}

/// Marks what can be seen as verified, and what is not as it was reported as absent. Returns the number of seccomp
/// filters, where the kernel tells.
///
/// # Errors
/// When the process cannot be seen at all.
pub(super) fn layers(
    rows: &mut [LayerReport],
    pid: u32,
    expected: &Expected,
) -> std::io::Result<Option<u32>> {
    let status = proc::status(pid)?;
    for row in rows {
        // Its own word on this is worth nothing.
        row.verified = false;
        match look(row, pid, &status, expected) {
            Some(true) => row.verified = true,
            Some(false) if row.status != LayerStatus::Absent => {
                row.status = LayerStatus::Absent;
                row.reason = "reported, but the kernel says otherwise".to_owned();
                row.verified = true;
            }
            _ => {}
        }
    }
    Ok(status.seccomp_filters)
}

/// Whether a layer is what was reported; `None`: it cannot be seen from here.
fn look(row: &LayerReport, pid: u32, status: &Status, expected: &Expected) -> Option<bool> {
    let apart = |kind| {
        let theirs = proc::namespace(Some(pid), kind).ok()?;
        Some(theirs != proc::namespace(None, kind).ok()?)
    };
    match &*row.layer {
        "no-new-privs" => Some(status.no_new_privs),
        "seccomp" => Some(status.seccomp == 2),
        "engine-seccomp" => engine(pid, expected),
        // The bounding set is emptied with privilege; without one it stays, and no-new-privs makes it meaningless.
        "capabilities" => {
            let unreachable = status.bounding? == 0 || (expected.identity.is_none() && status.no_new_privs);
            Some(status.capabilities? == 0 && unreachable)
        }
        "uid" => expected.identity.map(|id| all(&status.uids, id.uid) && all(&status.gids, id.gid)),
        "descriptors" => proc::descriptors(pid).ok().map(|count| count <= expected.descriptors),
        "rlimits" => {
            let holds =
                |name, most: u64| Some(proc::limit(pid, name).ok()?.is_some_and(|limit| limit <= most));
            Some(holds("Max open files", expected.rlimits.nofile)? && holds("Max core file size", 0)?)
        }
        "non-dumpable" => (!status.uids.contains(&0)).then(|| proc::owner(pid).ok().map(|uid| uid == 0))?,
        "scheduling" => {
            let ours = proc::policy(std::process::id()).ok()?;
            Some(is_scheduled(row.status, proc::policy(pid).ok()?, ours))
        }
        // The depth shows it where the links are hidden.
        "pid-namespace" => apart("pid").or(Some(status.pids.len() > 1)),
        "user-namespace" => apart("user"),
        "mount-namespace" => apart("mnt"),
        "net-namespace" => apart("net"),
        "ipc-namespace" => apart("ipc"),
        "uts-namespace" => apart("uts"),
        "cgroup-namespace" => apart("cgroup"),
        _ => None,
    }
}

/// Whether it waits for its turn, or has, as it says itself, the policy that an operator has chosen for the daemon.
fn is_scheduled(reported: LayerStatus, policy: i32, ours: i32) -> bool {
    policy == BATCH || (reported == LayerStatus::Partial && policy == ours && ours != OTHER)
}

/// The process of an engine that is a program of its own: the child of the plugin process, which waits to become that program.
fn engine(pid: u32, expected: &Expected) -> Option<bool> {
    let [engine] = proc::children(pid).ok()?[..] else { return Some(false) };
    let status = proc::status(engine).ok()?;
    let user = expected.identity.is_none_or(|id| all(&status.uids, id.uid) && all(&status.gids, id.gid));
    let descriptors = proc::descriptors(engine).ok().is_none_or(|count| count <= 4);
    let confined = status.no_new_privs && status.seccomp == 2 && status.capabilities? == 0;
    Some(user && descriptors && confined)
}

/// All four of them.
fn all(ids: &[u32], wanted: u32) -> bool {
    ids.len() == 4 && ids.iter().all(|&id| id == wanted)
}

/// The second filter, seen by the number of filters before and after.
pub(super) fn seal(pid: u32, before: Option<u32>) -> LayerReport {
    let after = proc::status(pid).ok().and_then(|status| status.seccomp_filters);
    let (status, reason, verified) = match (before, after) {
        (Some(before), Some(after)) if after > before => (LayerStatus::Full, String::new(), true),
        (Some(_), Some(_)) => {
            (LayerStatus::Absent, "no second filter was added after loading".to_owned(), true)
        }
        _ => (
            LayerStatus::Partial,
            "the kernel does not count filters: it cannot be verified".to_owned(),
            false,
        ),
    };
    LayerReport { layer: "seal".to_owned(), status, reason, verified }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lie_is_seen() {
        let rlimits = Rlimits { nofile: 1, nproc: 1, fsize: 1, data: None };
        let expected = Expected { identity: Some(Identity { uid: 7, gid: 7 }), rlimits, descriptors: 1 };
        let layers =
            ["seccomp", "net-namespace", "uid", "descriptors", "rlimits", "scheduling", "landlock-fs"];
        let row = |layer: &str| LayerReport {
            layer: layer.to_owned(),
            status: LayerStatus::Full,
            reason: String::new(),
            verified: true,
        };
        let mut rows: Vec<_> = layers.into_iter().map(row).collect();
        // This test's own process is certainly not confined.
        super::layers(&mut rows, std::process::id(), &expected).unwrap();
        for row in &rows[..6] {
            assert_eq!((row.status, row.verified), (LayerStatus::Absent, true), "{row:?}");
        }
        assert_eq!(
            (rows[6].status, rows[6].verified),
            (LayerStatus::Full, false),
            "what cannot be seen is its own word"
        );
        assert_eq!(seal(std::process::id(), Some(0)).status, LayerStatus::Absent);
        assert!(super::layers(&mut rows, u32::MAX, &expected).is_err());
    }

    #[test]
    fn the_operators_own_policy_of_scheduling_is_what_was_reported() {
        const IDLE: i32 = 5;
        let cases = [
            (LayerStatus::Full, BATCH, OTHER, true),
            (LayerStatus::Full, OTHER, OTHER, false),
            (LayerStatus::Partial, IDLE, IDLE, true),
            (LayerStatus::Full, IDLE, IDLE, false),
            (LayerStatus::Partial, OTHER, IDLE, false),
            (LayerStatus::Partial, OTHER, OTHER, false),
        ];
        for (reported, policy, ours, holds) in cases {
            assert_eq!(is_scheduled(reported, policy, ours), holds, "{reported:?} {policy} {ours}");
        }
    }
}
