//! Makes a symbolic link to outside.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |place| call!(SYS_symlinkat, c"/etc", libc::AT_FDCWD, &place.in_data("link")),
    inside: FORBIDDEN,
    outside: Outside::Done,
};
