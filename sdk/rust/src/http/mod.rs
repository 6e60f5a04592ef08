//! Requests, responses and bodies: thin types of valor's own over the `http` crate.
//!
//! [`Request`] and [`Response`] dereference to `::http::Request<Body>` and `::http::Response<Body>`, so everything that these can
//! do is there, and convert from and into them.

mod arrived;
mod body;
mod error;
mod fields;
mod into_response;
mod request;
mod response;
mod sse;
mod status;

pub use ::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Uri, Version, header};
#[cfg(not(target_family = "wasm"))]
pub(crate) use arrived::Arrived;
pub(crate) use body::Kind;
pub use body::{Body, BoxError, DataStream};
pub use error::Error;
pub(crate) use fields::Fields;
pub use into_response::{IntoResponse, Json};
pub use request::Request;
pub use response::Response;
pub use sse::Event;
pub use status::StatusCode;

/// A result whose error is an answer.
pub type Result<T, E = Error> = std::result::Result<T, E>;
