//! The control API: gRPC on a private Unix socket, the only way to register anything.
//!
//! `socket` binds, `peer` decides who may speak, `places` how many at once, `service` has the verbs, `admit` is what a registration goes through
//! once its bytes are there, `owned` what the plugins file owns, `convert` maps to and from the messages, and errors to statuses, in one place.

mod admit;
mod audit;
mod bundle;
mod calls;
mod convert;
mod diff;
mod error;
mod events;
mod fields;
mod fit;
mod host;
mod logs;
mod moves;
mod owned;
mod peer;
mod places;
mod register;
mod replace;
mod service;
mod socket;
mod way;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::service::InterceptorLayer;
use tonic::transport::Server;
use valor_control::v1::control_server::ControlServer;

pub use admit::{Admission, Admitted, admit};
pub use error::ControlError;
pub use host::{Host, SupervisorHost};
pub use owned::{FileOwned, Outcome, Reload, Settings};
pub use peer::{Access, Peer};
pub use service::{About, Service};
pub use socket::{Bound, SocketError, bind};
pub use valor_control::MAX_ARTIFACT;

/// Callers at once that are looked up: the name service may be slow.
const MAX_LOOKUPS: usize = 64;
/// Calls at once on one connection.
const MAX_CALLS: u32 = 64;
/// The longest message: a spec with a configuration of the size that is allowed.
const MAX_MESSAGE: usize = 2 << 20;

/// Why the control API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The descriptors of the API do not fit together.
    #[error("cannot set up reflection: {0}; report this as a bug")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The server ended.
    #[error("the control API ended: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// Serves until `stop`; then calls under way are finished, and followers of logs are told that it is over.
///
/// # Errors
/// When the server cannot be set up, or fails.
pub async fn serve<H: Host>(
    listener: UnixListener,
    access: Access,
    service: Service<H>,
    stop: CancellationToken,
) -> Result<(), ServeError> {
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<ControlServer<Service<H>>>().await;
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(valor_control::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let control = ControlServer::new(service.until(stop.clone()))
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(64 << 20);

    let (access, places) = (Arc::new(access), places::Places::default());
    let incoming = UnixListenerStream::new(listener)
        .map(move |stream| {
            let (access, places) = (Arc::clone(&access), places.clone());
            async move { Ok::<_, std::io::Error>(peer::Connection::new(stream?, &access, &places).await) }
        })
        .buffer_unordered(MAX_LOOKUPS)
        // A failed accept is of one connection, or passes; it must not end the server.
        .filter_map(async |accepted| match accepted {
            Ok(connection) => connection.map(Ok::<_, std::io::Error>),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection on the control socket");
                // Out of descriptors, it would fail again at once.
                tokio::time::sleep(Duration::from_millis(100)).await;
                None
            }
        });
    let result = Server::builder()
        .max_concurrent_streams(MAX_CALLS)
        .concurrency_limit_per_connection(MAX_CALLS as usize)
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
        .http2_max_header_list_size(64 * 1024)
        .layer(calls::Counting)
        .layer(InterceptorLayer::new(peer::check))
        .add_service(control)
        .add_service(health_service)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .serve_with_incoming_shutdown(incoming, stop.cancelled_owned())
        .await;
    health.set_not_serving::<ControlServer<Service<H>>>().await;
    Ok(result?)
}

#[cfg(test)]
mod tests;
