//! Removes its own artifact.

use nix::errno::Errno;

use crate::escapes::act::{Act, Inside, Outside, Verdict, call};

pub(super) const ACT: Act = Act {
    run: |place| call!(SYS_unlinkat, libc::AT_FDCWD, &place.plugin, 0),
    inside: Inside::ByRoot { own: Verdict::Refused(Errno::EROFS), machine: Verdict::Refused(Errno::EACCES) },
    outside: Outside::Done,
};
