//! Takes off what hides something.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |place| call!(SYS_umount2, &place.data, libc::MNT_DETACH),
    inside: FORBIDDEN,
    outside: Outside::Fails(Errno::EINVAL),
};
