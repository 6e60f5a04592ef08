//! Write HTTP plugins for valor in ten lines of Rust.
//!
//! ```no_run
//! use valor::*;
//!
//! #[vlugin]
//! pub async fn on_request(_req: http::Request) -> http::Response {
//!     "OK response from a plugin".into()
//! }
//! # fn main() {}
//! ```
//!
//! Build it as a `cdylib`, then `valorctl register ./libfoo.so --prefix /foo`. Three functions make a plugin; `#[vlugin]`
//! stands on any one of them and finds the others beside it:
//!
//! - `async fn on_create(cx: &mut Context)` runs once, on worker 0. It reads its configuration with
//!   [`Context::config`] and keeps state with [`Context::set`]. It may return a `Result`.
//! - `async fn on_request(request: http::Request) -> O`, or `(cx: &Context, request: http::Request) -> O`, where `O` is anything
//!   that is [`http::IntoResponse`]: text, JSON, a [`http::Response`], a `Result` of them.
//! - instead of `on_request`, `fn service(cx: &Context) -> S`, where `S` is any `tower::Service<http::Request<Body>>`: an axum
//!   `Router`, for example. Or `fn plugin() -> impl Vlugin`, for a [`Vlugin`] of one's own.
//!
//! # Threads
//!
//! A native plugin's process has several workers, each with a current-thread tokio runtime of its own and a `LocalSet`: handlers
//! need not be `Send`, and `tokio::task::spawn_local`, `spawn`, timers and channels work in them. What is in the [`Context`]
//! is shared by all workers. A handler that blocks its thread blocks its worker: use `tokio::task::spawn_blocking`.
//!
//! # WebAssembly
//!
//! The same source is built to a module of WebAssembly, which valord serves and a browser runs:
//! `cargo build --release --target wasm32-unknown-unknown`, then `valorctl register ./foo.wasm`. One instance answers all requests, many at
//! once, on one thread. What is different there:
//!
//! | | native | WebAssembly |
//! |---|---|---|
//! | requests at once, streams, [`fetch`], [`log`], state, [`spawn`] | yes | yes, the same |
//! | timers and clocks | [`time`], tokio's, `std::time` | [`time`]; `Instant::now()` of `std` and tokio's timers panic |
//! | randomness | [`random`], any | [`random`]; for `getrandom` see there |
//! | tokio | all | `sync`, `macros`, `io-util`; no runtime: [`spawn`] is for tasks |
//! | threads, `spawn_blocking`, files, sockets | within the grants | none: `std` returns errors, or panics |
//! | a panic | answers 500, the process keeps serving | ends the instance: all its requests fail, a new one starts; the log has the message |
//! | `println!`, `eprintln!` | in the log | nowhere |
//!
//! # Failures
//!
//! A panic in a handler answers that request with 500; the process keeps serving (with `panic = "unwind"`, Cargo's
//! default; but see above). An [`http::Error`] becomes its status with `application/problem+json`. A client that goes away, or a deadline
//! that passes, drops the handler's future.

#[cfg(all(target_family = "wasm", not(target_os = "unknown")))]
compile_error!(
    "a vlugin is built for `wasm32-unknown-unknown`; a component of `wasm32-wasip2` is written against wasi:http, without this crate"
);

mod context;
mod error;
mod fetch;
mod handler;
pub mod http;
pub mod log;
#[cfg(not(target_family = "wasm"))]
mod native;
mod outgoing;
mod plugin;
pub mod random;
mod task;
#[cfg(not(target_family = "wasm"))]
pub mod test;
pub mod time;
mod vlugin;
#[cfg(target_family = "wasm")]
mod wasm;

pub use context::Context;
pub use error::Error;
pub use fetch::{IntoRequest, fetch};
pub use plugin::Plugin;
pub use task::spawn;
pub use valor_macros::vlugin;
pub use vlugin::{Answer, FnVlugin, Message, Vlugin, VluginConfig, h};

/// What `#[vlugin]` expands to names these; nothing here is for authors.
#[doc(hidden)]
pub mod __private {
    pub use crate::handler::{Creator, Handler, defaults};
    #[cfg(not(target_family = "wasm"))]
    pub use crate::native::{Entry, Instance, table};
    pub use crate::plugin::{functions, service, vlugin};
    #[cfg(target_family = "wasm")]
    pub use crate::wasm::{alloc, receive, version};
    #[cfg(not(target_family = "wasm"))]
    pub use valor_abi::valor_plugin;
}
