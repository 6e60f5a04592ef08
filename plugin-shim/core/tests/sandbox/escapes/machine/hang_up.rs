//! Hangs up the terminal.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act { run: |_| call!(SYS_vhangup), inside: FORBIDDEN, outside: Outside::Done };
