//! Runs an open file; it is no program.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call, open};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Fails(Errno::EACCES) };

fn run(place: &Place) -> Result<i64, Errno> {
    let (file, none) = (open(&place.in_data("program"), libc::O_CREAT | libc::O_WRONLY)?, [0_usize]);
    call!(SYS_execveat, file, c"", none.as_ptr(), none.as_ptr(), libc::AT_EMPTY_PATH)
}
