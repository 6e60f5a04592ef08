//! Makes a file in the root.

use nix::errno::Errno;

use crate::escapes::act::{Act, Inside, Outside, Verdict, open};

pub(super) const ACT: Act = Act {
    run: |_| open(c"/valor-escape", libc::O_CREAT | libc::O_WRONLY),
    inside: Inside::ByRoot { own: Verdict::Refused(Errno::EROFS), machine: Verdict::Refused(Errno::EACCES) },
    outside: Outside::NotTried("it would stay there"),
};
