//! Takes the memory of the neighbour, as of one that is dying.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Fails(Errno::EINVAL) };

fn run(place: &Place) -> Result<i64, Errno> {
    let process = call!(SYS_pidfd_open, place.neighbour, 0).unwrap_or(-1);
    call!(SYS_process_mrelease, process, 0)
}
