//! Leads a session of its own.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act { run: |_| call!(SYS_setsid), inside: FORBIDDEN, outside: Outside::Done };
