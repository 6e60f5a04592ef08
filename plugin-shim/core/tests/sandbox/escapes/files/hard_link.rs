//! Makes another name for the artifact.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |place| call!(SYS_linkat, libc::AT_FDCWD, &place.plugin, libc::AT_FDCWD, &place.in_data("link"), 0),
    inside: FORBIDDEN,
    outside: Outside::Done,
};
