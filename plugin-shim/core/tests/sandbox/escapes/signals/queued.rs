//! Queues a signal to the neighbour.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Done };

fn run(place: &Place) -> Result<i64, Errno> {
    // What `sigqueue` passes: the code that says so is -1.
    let mut information = [0_i32; 32];
    (information[0], information[2]) = (libc::SIGCONT, -1);
    call!(SYS_rt_sigqueueinfo, place.neighbour, libc::SIGCONT, information.as_ptr())
}
