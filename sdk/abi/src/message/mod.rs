//! The message ABI between a host and a plugin that is one core WebAssembly module (`wasm32-unknown-unknown`), version 1.
//!
//! The module is the **guest**; the **host** is `valor-shim-wasm`, or the loader for JavaScript, `sdk/web/valor-wasm.js`. One instance answers
//! many requests at once and keeps its state. Host and guest pass each other frames in the guest's memory, by plain function calls: all that
//! the guest does, it does within [`RECEIVE`], and it has no threads. What the module wants and is called stands in its custom section
//! [`MANIFEST_SECTION`](crate::MANIFEST_SECTION).
//!
//! # Exports
//!
//! | name | type | |
//! |---|---|---|
//! | `memory` | memory | |
//! | `valor_abi_version` | `() -> i32` | [`VERSION`]; asked before anything else is called, `_initialize` excepted |
//! | `valor_alloc` | `(len: i32) -> i32` | `len` bytes for a batch of the host's, or 0 when there is no memory |
//! | `valor_receive` | `(ptr: i32, len: i32)` | takes a batch in bytes of `valor_alloc`, which are the guest's from then on, and returns when there is nothing more to do for now |
//! | `_initialize` | `() -> ()` | not required; called once, before all others |
//!
//! # Imports
//!
//! All from the module [`MODULE`], and no others. Each is legal within every call but `valor_abi_version`, where none is.
//!
//! | name | type | |
//! |---|---|---|
//! | `send` | `(ptr: i32, len: i32)` | a batch for the host, which has copied it when this returns |
//! | `now` | `(clock: i32) -> i64` | nanoseconds; clock 0 is the wall's, since 1970 UTC; clock 1 only grows |
//! | `random` | `(ptr: i32, len: i32)` | fills at most [`MAX_RANDOM`] bytes, fit for keys |
//!
//! # Frames
//!
//! A **batch** is one or more whole frames, at most [`MAX_BATCH`] bytes. Pointers and lengths are unsigned, integers little-endian.
//!
//! ```text
//!  0         4      5       6          8        12
//! +---------+------+-------+----------+--------+------------------+
//! | length  | kind | flags | reserved | id     | payload (length) |
//! | u32     | u8   | u8    | u16 = 0  | u32    |                  |
//! +---------+------+-------+----------+--------+------------------+
//! ```
//!
//! | kind | name | from | flags | payload |
//! |---|---|---|---|---|
//! | 1 | CREATE | host | | name (u16 length), configuration: JSON, or nothing when there is none |
//! | 2 | CREATED | guest | | nothing; or why it failed, UTF-8, with the flag FAILED |
//! | 3 | REQUEST | host | END | deadline in ms u32 (0: none), method (u8 length), target (u16 length), fields |
//! | 4 | RESPONSE | both | END | status u16, fields |
//! | 5 | DATA | both | END | a part of a body, at most [`MAX_DATA`] bytes |
//! | 6 | RESET | both | | code u8 ([`reset`]), reason in UTF-8, at most [`MAX_REASON`] bytes |
//! | 7 | WINDOW | both | | credit u32 |
//! | 8 | FETCH | guest | END | the request that it is for u32 (0: none), method (u8 length), URL or path (u16 length), fields |
//! | 9 | WAKE | both | | guest: in how many nanoseconds it wants to be called, u64, 0 for never; host: nothing, it is time |
//! | 10 | LOG | guest | | level u8 (0 trace, 1 debug, 2 info, 3 warn, 4 error), target (u8 length), message in UTF-8 |
//!
//! Fields are a count u16, then for each a name in lower case (u8 length) and a value (u16 length), at most [`MAX_FIELDS`]; a head (the
//! payload of REQUEST, RESPONSE and FETCH) has at most [`MAX_HEAD`] bytes. Flag bits: [`END`] 1, [`FAILED`] 2. CREATE, CREATED, WAKE and LOG
//! have the id 0, all others one of an exchange.
//!
//! # Rules
//!
//! - CREATE is the first frame, once. The guest answers CREATED, once, when it likes; it may fetch before. Requests come after it,
//!   and none after a failure.
//! - An **exchange** is a REQUEST with its RESPONSE, or a FETCH with its RESPONSE. The host numbers requests from 1 to
//!   [`FETCHES`]` - 1`, the guest fetches from [`FETCHES`] up; numbers grow and begin anew after the last, past those that are open. Each side has
//!   at most [`MAX_EXCHANGES`] open.
//! - REQUEST and FETCH open an exchange; RESPONSE comes once. The flag END, on the head or on a DATA, ends that direction. The exchange is over
//!   with the END **of the response**, whether or not the request's body has been read, or with a RESET from either side, which nobody
//!   answers. Frames that were under way when it ended are ignored; the host delivers its RESET before it uses a number again.
//! - DATA spends credit, one a byte. Each direction starts with [`INITIAL_WINDOW`]; who reads the body gives credit back by WINDOW as it is
//!   consumed, and what is outstanding never exceeds [`MAX_WINDOW`].
//! - A RESET of a request by the host is a cancellation: the client has gone, or the deadline has passed. A RESET of a fetch by the host is its
//!   failure, and the reason is for the author. A RESET of a request by the guest fails it; of a fetch, it is not wanted any more.
//! - A WAKE of the guest replaces the one before. The host may be late, never early, and forgets it when it has called.
//! - A guest that traps is dead, and so are all its exchanges. Where panics abort, as they do on this target, a panic is a trap; the SDK logs it
//!   first.
//!
//! # What the host checks
//!
//! The guest is hostile. Pointers and lengths lie within its memory; batches, frames and heads within the limits, before anything is
//! allocated. A **violation** is: a malformed frame; a kind that is not the guest's to send; unknown flags; a number that is out of range or
//! open already; more open fetches than allowed; DATA before RESPONSE in an answer, or beyond the credit; a second RESPONSE or CREATED; a
//! RESPONSE before CREATED; a WINDOW of 0 or beyond the bound; a status outside of 200 to 599; a call of an import when none is legal. After one the instance is never called again, and its
//! exchanges fail as after a trap. What is not bounded by credit is bounded by the host: LOG by its quota (it may drop lines).
//!
//! # Versions
//!
//! A host serves all versions up to its own and refuses others, with both numbers. Kinds below [`SKIP`] that a receiver does not know are
//! violations; those from it on are skipped, as are their flags.

mod frame;
mod head;
mod read;
mod write;

pub use frame::{Frame, Frames, HEADER_LEN, Kind, frames};
pub use head::{Fields, field};
pub use read::Message;
pub use write::{Field, Writer};

use core::fmt;

/// The version that this module describes.
pub const VERSION: i32 = 1;
/// The import module.
pub const MODULE: &str = "valor";
/// The exports, by name.
pub const EXPORTS: [&str; 4] = ["memory", ABI_VERSION, ALLOC, RECEIVE];
/// The export that is asked first.
pub const ABI_VERSION: &str = "valor_abi_version";
/// The export that makes room for a batch.
pub const ALLOC: &str = "valor_alloc";
/// The export that takes a batch.
pub const RECEIVE: &str = "valor_receive";
/// The import that takes a batch.
pub const SEND: &str = "send";
/// The import that tells the time.
pub const NOW: &str = "now";
/// The import that makes random bytes.
pub const RANDOM: &str = "random";
/// The argument of [`NOW`] for the time of day.
pub const CLOCK_WALL: i32 = 0;
/// The argument of [`NOW`] for a clock that only grows.
pub const CLOCK_MONOTONIC: i32 = 1;

/// Flag: nothing follows in this direction.
pub const END: u8 = 1;
/// Flag of CREATED: it failed.
pub const FAILED: u8 = 2;
/// Kinds from here on are skipped by who does not know them.
pub const SKIP: u8 = 128;
/// The first number of a fetch.
pub const FETCHES: u32 = 1 << 31;

/// The longest batch, in bytes.
pub const MAX_BATCH: usize = 1024 * 1024;
/// The longest head, in bytes.
pub const MAX_HEAD: usize = 64 * 1024;
/// The most fields of a head.
pub const MAX_FIELDS: usize = 128;
/// The longest part of a body, in bytes.
pub const MAX_DATA: usize = 128 * 1024;
/// The longest reason, in bytes.
pub const MAX_REASON: usize = 512;
/// The longest message of a LOG, in bytes.
pub const MAX_LOG: usize = 16 * 1024;
/// The most bytes that one call of [`RANDOM`] fills.
pub const MAX_RANDOM: usize = 64 * 1024;
/// The most exchanges that one side may have open.
pub const MAX_EXCHANGES: usize = 4096;
/// The credit that each direction of an exchange starts with, in bytes.
pub const INITIAL_WINDOW: u32 = 128 * 1024;
/// The most credit that may be outstanding, in bytes.
pub const MAX_WINDOW: u32 = 1024 * 1024;

/// The codes of RESET, those of the wire between valord and its shims. Unknown ones read as `INTERNAL`.
pub mod reset {
    /// Nobody waits for the answer any more.
    pub const CANCEL: u8 = 1;
    /// The deadline has passed.
    pub const DEADLINE: u8 = 2;
    /// The handler failed before it answered, or a body did.
    pub const FAILED: u8 = 3;
    /// The handler was dropped without an answer.
    pub const NO_ANSWER: u8 = 4;
    /// A limit, a missing grant, draining.
    pub const REFUSED: u8 = 5;
    /// A fetch could not reach its target.
    pub const UNREACHABLE: u8 = 6;
    /// Any other failure.
    pub const INTERNAL: u8 = 7;
}

/// Bytes that are no such frame; the text says what about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl core::error::Error for Malformed {}

#[cfg(test)]
mod tests;
