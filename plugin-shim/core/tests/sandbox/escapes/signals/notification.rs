//! Is told by a signal what happens in a directory.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call, open};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Done };

fn run(place: &Place) -> Result<i64, Errno> {
    let directory = open(&place.data, libc::O_RDONLY | libc::O_DIRECTORY)?;
    const DN_CREATE: i32 = 4;
    call!(SYS_fcntl, directory, libc::F_NOTIFY, DN_CREATE)
}
