//! Climbs out of its directory by `..`.

use crate::escapes::act::{Act, HIDDEN, Outside, open};

pub(super) const ACT: Act = Act {
    run: |place| open(&place.in_data("../../../../../../../../etc/passwd"), libc::O_RDONLY),
    inside: HIDDEN,
    outside: Outside::Done,
};
