//! Adds a filter that could lie to the shim. A constructor may, since the seal is made by the same call.

use nix::errno::Errno;

use crate::escapes::act::{Act, Inside, Outside, Place, Verdict, call};

pub(super) const ACT: Act = Act {
    run,
    inside: Inside::ByStage { loading: Verdict::Done, sealed: Verdict::Refused(Errno::EPERM) },
    outside: Outside::Done,
};

fn run(_: &Place) -> Result<i64, Errno> {
    let allow = [libc::sock_filter { code: 6, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW }];
    let program = libc::sock_fprog { len: 1, filter: allow.as_ptr().cast_mut() };
    call!(SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_TSYNC, &raw const program)
}
