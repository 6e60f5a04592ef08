//! Works on semaphores of somebody else.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Fails(Errno::EINVAL) };

fn run(_: &Place) -> Result<i64, Errno> {
    let operation = [0_i16; 3];
    call!(SYS_semop, 0, operation.as_ptr(), 1)
}
