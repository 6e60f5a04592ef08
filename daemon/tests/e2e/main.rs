//! The real daemon with real shims and real plugins: registered through the control API, asked over HTTP.
//!
//! They need what `make build examples` builds, in the profile of the tests; what is missing fails the test that wants it.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test")]

mod again;
mod artifacts;
mod background;
mod boot;
mod chaos;
mod client;
mod control;
mod corpus;
mod ctl;
mod daemon;
mod deno;
mod disk;
mod examples;
mod faults;
mod fetch;
mod harness;
mod honest;
mod hostile;
mod js;
mod killed;
mod kinds;
mod life;
mod lifecycle;
mod listing;
mod names;
mod neighbour;
mod notes;
mod permission;
mod plugins_file;
mod restart;
mod sandbox;
mod start;
mod state;
mod streams;
mod torture;
mod unusable;
mod wasi;
mod wasm;
mod web;
