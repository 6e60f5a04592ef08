//! Asks for a key, which starts a program of the machine.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_request_key, c"user", c"escape", 0, 0),
    inside: FORBIDDEN,
    outside: Outside::Fails(Errno::ENOKEY),
};
