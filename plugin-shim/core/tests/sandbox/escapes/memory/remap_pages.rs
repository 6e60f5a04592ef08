//! Puts the pages of a mapping into another order.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, call, page};

pub(super) const ACT: Act = Act {
    run: |_| call!(SYS_remap_file_pages, page()?, 4096, 0, 0, 0),
    inside: FORBIDDEN,
    outside: Outside::Fails(Errno::EINVAL),
};
