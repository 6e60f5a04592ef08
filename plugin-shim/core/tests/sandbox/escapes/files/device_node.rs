//! Makes a node of the first disk.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |place| {
        call!(SYS_mknodat, libc::AT_FDCWD, &place.in_data("disk"), libc::S_IFBLK | 0o600, libc::makedev(8, 0))
    },
    inside: FORBIDDEN,
    outside: Outside::Done,
};
