//! Lists the directory above its own.

use nix::errno::Errno;

use crate::escapes::act::{Act, Inside, Outside, Verdict, open};

pub(super) const ACT: Act = Act {
    run: |place| open(&place.in_data(".."), libc::O_RDONLY | libc::O_DIRECTORY),
    inside: Inside::Always(Verdict::Refused(Errno::EACCES)),
    outside: Outside::Done,
};
