//! Moves all pages of the neighbour.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Otherwise };

fn run(place: &Place) -> Result<i64, Errno> {
    let nodes = 1_u64;
    call!(SYS_migrate_pages, place.neighbour, 2, &raw const nodes, &raw const nodes)
}
