//! Makes a file that runs as whoever owns it.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |place| {
        call!(SYS_openat, libc::AT_FDCWD, &place.in_data("tool"), libc::O_CREAT | libc::O_WRONLY, 0o4755)
    },
    inside: FORBIDDEN,
    outside: Outside::Done,
};
