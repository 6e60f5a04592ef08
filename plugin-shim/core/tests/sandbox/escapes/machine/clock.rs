//! Sets the clock to a time that does not exist.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Fails(Errno::EINVAL) };

fn run(_: &Place) -> Result<i64, Errno> {
    let time = libc::timespec { tv_sec: 0, tv_nsec: -1 };
    call!(SYS_clock_settime, libc::CLOCK_REALTIME, &raw const time)
}
