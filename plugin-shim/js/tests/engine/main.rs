//! The engine on its own: its sockets are the test's, and no process is started.

mod answers;
mod conformance;
mod failures;
mod fetches;
mod harness;
mod streams;
