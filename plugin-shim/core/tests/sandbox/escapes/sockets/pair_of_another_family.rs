//! Makes a pair that is not of Unix.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Otherwise };

fn run(_: &Place) -> Result<i64, Errno> {
    let mut pair = [0_i32; 2];
    call!(SYS_socketpair, libc::AF_TIPC, libc::SOCK_STREAM, 0, pair.as_mut_ptr())
}
