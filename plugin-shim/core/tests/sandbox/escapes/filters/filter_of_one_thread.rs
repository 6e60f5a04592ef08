//! Adds a filter to this thread alone, so that the seal would not reach it.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Done };

fn run(_: &Place) -> Result<i64, Errno> {
    let allow = [libc::sock_filter { code: 6, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW }];
    let program = libc::sock_fprog { len: 1, filter: allow.as_ptr().cast_mut() };
    call!(SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program)
}
