//! Sends to whoever has an abstract name.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call, socket};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Fails(Errno::ECONNREFUSED) };

fn run(_: &Place) -> Result<i64, Errno> {
    // A `struct sockaddr_un`: an abstract name.
    let address = *b"\x01\0\0valor-escape";
    call!(SYS_sendto, socket(libc::SOCK_DGRAM), c"x", 1, 0, address.as_ptr(), address.len())
}
