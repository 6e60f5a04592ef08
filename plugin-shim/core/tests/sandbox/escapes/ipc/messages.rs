//! Makes a message queue of System V.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_msgget, libc::IPC_PRIVATE, libc::IPC_CREAT | 0o600),
    inside: FORBIDDEN,
    outside: Outside::Done,
};
