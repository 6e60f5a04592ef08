//! Plugins that misbehave while they serve: each time the exact answer, what becomes of the process and what is said of it,
//! and a neighbour that never notices.

mod answers;
mod control;
mod crashes;
mod ends;
mod flow;
mod frames;
mod late;
mod logs;
mod resources;
mod signals;
pub(crate) mod trial;
mod wire;
