//! Has the kernel send signals when there is something to read.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call, socket};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Done };

fn run(_: &Place) -> Result<i64, Errno> {
    let on = 1_i32;
    call!(SYS_ioctl, socket(libc::SOCK_STREAM), libc::FIOASYNC, &raw const on)
}
