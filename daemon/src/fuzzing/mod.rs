//! What the fuzz targets run; the same over the committed corpus in `tests/corpus.rs`. Each compares what the daemon makes
//! of its input with a slow and simple model, and panics where they disagree.
#![allow(clippy::panic, reason = "a panic is how a target tells")]

mod framing;
mod grants;
mod heads;
mod paths;
mod plugins;
mod scan;
mod state;

pub use grants::grants;
pub use heads::heads;
pub use paths::paths;
pub use plugins::plugins;
pub use scan::scan;
pub use state::state;
