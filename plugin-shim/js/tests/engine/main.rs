//! The engine on its own: its sockets are the test's, and no process is started.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod answers;
mod conformance;
mod failures;
mod fetches;
mod harness;
mod streams;
