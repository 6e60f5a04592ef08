//! Changes the root.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act =
    Act { run: |place| call!(SYS_chroot, &place.data), inside: FORBIDDEN, outside: Outside::Done };
