//! Opens the root of the file system by a handle, as whoever broke out of containers did.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call, open};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Done };

fn run(_: &Place) -> Result<i64, Errno> {
    let mut handle = [128_u32; 40];
    let mut mount = 0_i32;
    call!(SYS_name_to_handle_at, libc::AT_FDCWD, c"/", handle.as_mut_ptr(), &raw mut mount, 0).ok();
    let root = open(c"/", libc::O_RDONLY | libc::O_DIRECTORY).unwrap_or(-1);
    call!(SYS_open_by_handle_at, root, handle.as_mut_ptr(), libc::O_RDONLY)
}
