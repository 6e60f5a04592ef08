//! Reads a message of somebody else.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Fails(Errno::EINVAL) };

fn run(_: &Place) -> Result<i64, Errno> {
    let mut message = [0_u8; 64];
    call!(SYS_msgrcv, 0, message.as_mut_ptr(), 8, 0, libc::IPC_NOWAIT)
}
