//! Sets the clock by the older call to a time that does not exist.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Fails(Errno::EINVAL) };

fn run(_: &Place) -> Result<i64, Errno> {
    let time = libc::timeval { tv_sec: 0, tv_usec: -1 };
    call!(SYS_settimeofday, &raw const time, 0)
}
