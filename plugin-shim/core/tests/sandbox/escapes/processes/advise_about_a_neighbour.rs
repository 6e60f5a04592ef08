//! Says what will become of the memory of the neighbour.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Otherwise };

fn run(place: &Place) -> Result<i64, Errno> {
    let process = call!(SYS_pidfd_open, place.neighbour, 0).unwrap_or(-1);
    let part = libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 };
    call!(SYS_process_madvise, process, &raw const part, 1, libc::MADV_COLD, 0)
}
