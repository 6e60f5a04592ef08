//! Layer `rlimits`: limits that the kernel keeps for each process, or for the user in its user namespace.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use valor_wire::control::{LayerReport, Rlimits};

use super::sys;
use crate::report;

const LAYER: &str = "rlimits";

/// The outer process and the init count too, as they are of the same user.
const OWN_PROCESSES: u64 = 2;
const MEMLOCK: u64 = 64 * 1024;
const STACK: u64 = 64 * 1024 * 1024;

/// Sets every limit, or as much of it as the daemon's own limits leave. After the user namespace, else plugins of one
/// user would share one NPROC.
pub(super) fn apply(limits: &Rlimits) -> LayerReport {
    let mut wanted = vec![
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_NOFILE, limits.nofile),
        (Resource::RLIMIT_NPROC, limits.nproc.saturating_add(OWN_PROCESSES)),
        (Resource::RLIMIT_FSIZE, limits.fsize),
        (Resource::RLIMIT_MEMLOCK, MEMLOCK),
        (Resource::RLIMIT_MSGQUEUE, 0),
        (Resource::RLIMIT_RTPRIO, 0),
        (Resource::RLIMIT_NICE, 0),
        (Resource::RLIMIT_STACK, STACK),
    ];
    wanted.extend(limits.data.map(|data| (Resource::RLIMIT_DATA, data)));
    let mut failures: Vec<String> =
        wanted.into_iter().filter_map(|(resource, limit)| lower(resource, limit).err()).collect();
    // A file that is too large is an error that a plugin can handle (EFBIG), not its death.
    failures.extend(sys::ignore(libc::SIGXFSZ).err().map(|errno| format!("SIGXFSZ: {errno}")));
    if failures.is_empty() { report::full(LAYER, "") } else { report::partial(LAYER, failures.join(", ")) }
}

/// Lowers both limits, then asks the kernel what it holds.
fn lower(resource: Resource, limit: u64) -> Result<(), String> {
    let (soft, hard) = getrlimit(resource).map_err(|errno| format!("{resource:?}: {errno}"))?;
    let limit = limit.min(hard);
    // The stack of the first thread is mapped by the soft limit: only the hard one changes.
    let soft = if resource == Resource::RLIMIT_STACK { soft.min(limit) } else { limit };
    setrlimit(resource, soft, limit).map_err(|errno| format!("{resource:?}: {errno}"))?;
    match getrlimit(resource) {
        Ok((_, now)) if now <= limit => Ok(()),
        Ok((_, now)) => Err(format!("{resource:?} is still {now}")),
        Err(errno) => Err(format!("{resource:?}: {errno}")),
    }
}
