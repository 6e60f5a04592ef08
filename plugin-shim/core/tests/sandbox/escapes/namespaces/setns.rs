//! Joins the namespace of another process.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call, open};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Done };

fn run(_: &Place) -> Result<i64, Errno> {
    let space = open(c"/proc/self/ns/uts", libc::O_RDONLY).unwrap_or(-1);
    call!(SYS_setns, space, 0)
}
