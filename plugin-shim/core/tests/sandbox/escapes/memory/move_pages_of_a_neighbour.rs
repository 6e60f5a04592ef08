//! Moves pages of the neighbour.

use crate::escapes::act::{Act, FORBIDDEN, Outside, call};

pub(super) const ACT: Act = Act {
    run: |place| call!(SYS_move_pages, place.neighbour, 0, 0, 0, 0, 0),
    inside: FORBIDDEN,
    outside: Outside::Otherwise,
};
