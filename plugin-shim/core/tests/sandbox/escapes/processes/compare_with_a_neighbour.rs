//! Asks whether it shares its descriptors with the neighbour.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Otherwise };

fn run(place: &Place) -> Result<i64, Errno> {
    const KCMP_FILES: i32 = 2;
    call!(SYS_kcmp, place.neighbour, place.neighbour, KCMP_FILES, 0, 0)
}
