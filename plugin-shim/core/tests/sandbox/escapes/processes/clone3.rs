//! Starts a process by the call whose arguments no filter can see.

use nix::errno::Errno;

use crate::escapes::act::{Act, Outside, Place, UNKNOWN, call, ended};

pub(super) const ACT: Act = Act { run, inside: UNKNOWN, outside: Outside::Done };

fn run(_: &Place) -> Result<i64, Errno> {
    // A `struct clone_args` of its first version: the fifth is the signal at the end.
    let mut arguments = [0_u64; 8];
    arguments[4] = libc::SIGCHLD as u64;
    ended(call!(SYS_clone3, arguments.as_ptr(), 64))
}
