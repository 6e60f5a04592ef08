//! Makes a file in a directory of its own user outside.

use crate::escapes::act::{Act, HIDDEN, Outside, open};

pub(super) const ACT: Act = Act {
    run: |place| open(&place.in_outside("new"), libc::O_CREAT | libc::O_WRONLY),
    inside: HIDDEN,
    outside: Outside::Done,
};
