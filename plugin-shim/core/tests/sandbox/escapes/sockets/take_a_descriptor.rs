//! Takes a descriptor from whoever is at the other end.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call, socket};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Fails(Errno::EAGAIN) };

fn run(_: &Place) -> Result<i64, Errno> {
    let mut byte = 0_u8;
    let part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };

    let mut rights = [0_u64; 3];
    let mut message = [0, 0, (&raw const part) as usize, 1, rights.as_mut_ptr() as usize, 24, 0];
    call!(SYS_recvmsg, socket(libc::SOCK_STREAM), message.as_mut_ptr(), libc::MSG_DONTWAIT)
}
