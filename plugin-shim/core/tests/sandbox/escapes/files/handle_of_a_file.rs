//! Asks for a handle that opens a file past all paths.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Done };

fn run(_: &Place) -> Result<i64, Errno> {
    let mut handle = [128_u32; 40];
    let mut mount = 0_i32;
    call!(SYS_name_to_handle_at, libc::AT_FDCWD, c"/", handle.as_mut_ptr(), &raw mut mount, 0)
}
