//! Takes an abstract name, which belongs to no directory.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call, socket};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Done };

fn run(_: &Place) -> Result<i64, Errno> {
    // A `struct sockaddr_un`: an abstract name.
    let address = *b"\x01\0\0valor-escape";
    call!(SYS_bind, socket(libc::SOCK_STREAM), address.as_ptr(), address.len())
}
