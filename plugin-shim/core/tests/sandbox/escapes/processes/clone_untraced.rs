//! Starts a thread that no tracer sees.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act =
    Act { run, inside: FORBIDDEN, outside: Outside::NotTried("it would be a thread without a stack") };

fn run(_: &Place) -> Result<i64, Errno> {
    let thread = libc::CLONE_VM | libc::CLONE_SIGHAND | libc::CLONE_THREAD;
    call!(SYS_clone, thread | libc::CLONE_UNTRACED, 0, 0, 0, 0)
}
