//! Runs on a processor of its choice.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Done };

fn run(_: &Place) -> Result<i64, Errno> {
    let processors = u64::MAX;
    call!(SYS_sched_setaffinity, 0, 8, &raw const processors)
}
