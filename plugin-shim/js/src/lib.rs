//! The JavaScript engine of valor: QuickJS-NG with the Web APIs that worker hosts have, over `valor-shim-core`.
//!
//! ```text
//! main thread     thread ── seal ── control loop: Ready, Drain, hang-up, the end
//! worker          wait ──────────── isolate ── the author's module ── poll loop: sockets, timers, jobs
//! ```
//!
//! An isolate (`engine`) is one runtime with one context. All that runs in it runs in *turns*: a call from outside with all the
//! jobs that follow from it. A turn knows the request that it is for, so that a `fetch` within it has a parent and code that spins
//! is stopped at that request's deadline. A turn that had to be stopped, or has found no memory, ends its isolate: what was in
//! flight is reset, and a fresh one is made of the same source.

mod deno;
mod engine;
mod host;
mod inspect;
mod source;

pub use deno::PROFILE as DENO;
pub use engine::serve;
pub use inspect::inspect;
pub use source::{Source, SourceError};
