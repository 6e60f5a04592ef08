//! Maps a library by the call of the seventies. On x86_64 only.

use crate::escapes::act::{Act, Outside, UNKNOWN, call};

pub(super) const ACT: Act = Act {
    run: |place| call!(SYS_uselib, &place.plugin),
    inside: UNKNOWN,
    outside: Outside::NotTried("no kernel has it any more"),
};
