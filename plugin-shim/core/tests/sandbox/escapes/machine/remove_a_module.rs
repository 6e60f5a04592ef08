//! Removes a module that is not there.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_delete_module, c"valor-escape", 0),
    inside: FORBIDDEN,
    outside: Outside::Otherwise,
};
