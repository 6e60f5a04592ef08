//! Makes a named pipe, on which whoever looks from outside would hang.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |place| call!(SYS_mknodat, libc::AT_FDCWD, &place.in_data("pipe"), libc::S_IFIFO | 0o600, 0),
    inside: FORBIDDEN,
    outside: Outside::Done,
};
