//! Reads the memory of the neighbour.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Done };

fn run(place: &Place) -> Result<i64, Errno> {
    let mut byte = 0_u8;
    let part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    call!(SYS_process_vm_readv, place.neighbour, &raw const part, 1, &raw const part, 1, 0)
}
