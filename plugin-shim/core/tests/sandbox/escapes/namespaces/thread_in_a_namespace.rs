//! Starts a thread in a namespace of users. The kernel itself refuses the pair.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Fails(Errno::EINVAL) };

fn run(_: &Place) -> Result<i64, Errno> {
    let thread = libc::CLONE_VM | libc::CLONE_SIGHAND | libc::CLONE_THREAD;
    call!(SYS_clone, thread | libc::CLONE_NEWUSER, 0, 0, 0, 0)
}
