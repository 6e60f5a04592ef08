//! The engine as valord sees it: modules are written as text, honest ones and others.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail loudly")]

mod harness;
mod hostile;
mod modules;
