//! Opens a file of its own user outside to everybody, which Landlock would let pass.

use nix::errno::Errno;

use crate::escapes::act::{Act, Inside, Outside, Verdict, call};

pub(super) const ACT: Act = Act {
    run: |place| call!(SYS_fchmodat, libc::AT_FDCWD, &place.secret, 0o666),
    inside: Inside::ByRoot { own: Verdict::Refused(Errno::ENOENT), machine: Verdict::Refused(Errno::EPERM) },
    outside: Outside::Done,
};
