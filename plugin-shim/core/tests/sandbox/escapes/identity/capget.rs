//! Asks which capabilities the neighbour has.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Done };

fn run(place: &Place) -> Result<i64, Errno> {
    let (header, mut sets) = ([0x2008_0522_u32, place.neighbour.cast_unsigned()], [0_u32; 6]);
    call!(SYS_capget, header.as_ptr(), sets.as_mut_ptr())
}
