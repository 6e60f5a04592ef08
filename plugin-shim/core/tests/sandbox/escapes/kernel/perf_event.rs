//! Counts what the processor does.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Done };

fn run(_: &Place) -> Result<i64, Errno> {
    // A clock of the kernel's, which every machine has.
    let mut event = [0_u64; 16];
    event[0] = 1 | (128 << 32);
    call!(SYS_perf_event_open, event.as_ptr(), 0, -1, -1, 0)
}
