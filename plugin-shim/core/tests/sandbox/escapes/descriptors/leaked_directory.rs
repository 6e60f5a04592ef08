//! Looks for an open directory, which would lead out of every root.

use nix::errno::Errno;

use crate::escapes::act::{Act, Inside, Outside, Place, Verdict, call};

pub(super) const ACT: Act = Act {
    run,
    inside: Inside::Always(Verdict::Refused(Errno::EBADF)),
    outside: Outside::NotTried("the test has no directory open either"),
};

fn run(_: &Place) -> Result<i64, Errno> {
    (0..1024)
        .find_map(|fd| call!(SYS_openat, fd, c".", libc::O_RDONLY | libc::O_DIRECTORY).ok())
        .ok_or(Errno::EBADF)
}
