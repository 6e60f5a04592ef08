//! The contract between `valorctl` and `valord`: the messages and services of `control.proto`, where the socket is, and
//! what both ends read the same way.

#![forbid(unsafe_code)]

pub mod engine;
pub mod kind;
pub mod name;
pub mod nearest;
pub mod paths;
pub mod plugins;
pub mod prefix;
pub mod probe;
pub mod units;
pub mod web;

/// The generated messages, client and server of package `valor.control.v1`.
#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    let_underscore_drop,
    rust_2018_idioms,
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::wildcard_imports,
    clippy::use_self,
    clippy::semicolon_if_nothing_returned,
    clippy::large_futures,
    clippy::needless_pass_by_value,
    reason = "generated code"
)]
pub mod v1 {
    tonic::include_proto!("valor.control.v1");
}

/// The compiled descriptors of `control.proto`, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/control.bin"));

/// The longest chunk of an artifact, in bytes.
pub const MAX_CHUNK: usize = 64 * 1024;

/// The largest artifact, in bytes.
pub const MAX_ARTIFACT: u64 = 512 << 20;

/// The longest configuration, in bytes: as it is written, and as compact JSON.
pub const MAX_CONFIG: usize = 512 << 10;

/// The deepest nesting of arrays and objects in a configuration. Parsers give up at 128, and a configuration travels
/// inside other messages.
pub const MAX_CONFIG_DEPTH: usize = 64;
