//! Runs a program; it is none.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Fails(Errno::EACCES) };

fn run(place: &Place) -> Result<i64, Errno> {
    let none = [0_usize];
    call!(SYS_execve, &place.secret, none.as_ptr(), none.as_ptr())
}
