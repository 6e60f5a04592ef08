//! Makes a ring that calls on its behalf, past the filter.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Done };

fn run(_: &Place) -> Result<i64, Errno> {
    let mut parameters = [0_u32; 30];
    call!(SYS_io_uring_setup, 1, parameters.as_mut_ptr())
}
