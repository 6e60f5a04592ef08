//! Asks for the limits of the neighbour.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Done };

fn run(place: &Place) -> Result<i64, Errno> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    call!(SYS_prlimit64, place.neighbour, libc::RLIMIT_NOFILE, 0, &raw mut limit)
}
