//! The one-shot confines itself: it reads libraries and its standard input, and writes an answer.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::geteuid;
use valor_wire::control::{Identity, LayerReport, LayerStatus};

use super::closure::Search;
use crate::sandbox::{self, landlock};

/// Nobody: who has nothing at all, anywhere.
const NOBODY: Identity = Identity { uid: 65534, gid: 65534 };
const MEMORY: u64 = 3 << 30;
const SECONDS: u64 = 20;
const ANSWER: u64 = 4 << 20;

/// Before the first byte of the artifact is read. The error says what could not be given up.
pub(super) fn apply(search: &Search) -> Result<(), String> {
    let limits = [
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_CPU, SECONDS),
        (Resource::RLIMIT_AS, MEMORY),
        (Resource::RLIMIT_NOFILE, 64),
        (Resource::RLIMIT_FSIZE, ANSWER),
    ];
    for (resource, limit) in limits {
        let hard = getrlimit(resource).map_or(limit, |(_, hard)| hard);
        setrlimit(resource, limit.min(hard), limit.min(hard))
            .map_err(|errno| format!("{resource:?}: {errno}"))?;
    }
    let identity = geteuid().is_root().then_some(NOBODY);
    sandbox::give_up_privileges(identity).iter().try_for_each(holds)?;
    // A kernel without it leaves the filter, which allows no connection and no process.
    let _best_effort =
        landlock::apply(&landlock::Paths { read: search.directories().into(), ..Default::default() });
    sandbox::filter_and_seal().iter().try_for_each(holds)
}

fn holds(report: &LayerReport) -> Result<(), String> {
    match report.status {
        LayerStatus::Absent => Err(format!("{}: {}", report.layer, report.reason)),
        _ => Ok(()),
    }
}
