//! Takes back the vow never to gain a privilege.

use nix::errno::Errno;

use crate::escapes::act::{Act, Inside, Outside, Verdict, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_prctl, libc::PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0),
    inside: Inside::Always(Verdict::Refused(Errno::EINVAL)),
    outside: Outside::Fails(Errno::EINVAL),
};
