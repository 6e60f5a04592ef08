//! Takes connections and deals them to the data workers.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use tokio::io::Interest;
use tokio_util::sync::CancellationToken;

use crate::plane::DataPlane;
use crate::sys::ready;

/// Out of descriptors, another attempt would fail at once: connections wait in the listener's queue meanwhile.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Accepts until `stop`, and closes the listener then. Whoever was accepted is dealt: a request may be on its way.
///
/// # Errors
/// When the listener cannot be watched.
pub(super) fn accept(
    listener: TcpListener,
    plane: DataPlane,
    stop: CancellationToken,
) -> io::Result<impl Future<Output = ()> + Send> {
    listener.set_nonblocking(true)?;
    let listener = ready::watch(listener, Interest::READABLE)?;
    Ok(async move {
        let mut pause = FIRST_PAUSE;
        while let Some(Ok(mut ready)) = stop.run_until_cancelled(listener.readable()).await {
            match ready.try_io(|listener| take(listener.get_ref())) {
                Ok(Ok((stream, peer))) => {
                    pause = FIRST_PAUSE;
                    plane.accept(stream, peer).await;
                }
                Ok(Err(error)) if is_of_one_connection(&error) => {}
                Ok(Err(error)) => {
                    if pause == FIRST_PAUSE {
                        tracing::warn!(%error, "cannot accept connections; trying again");
                    }
                    stop.run_until_cancelled(tokio::time::sleep(pause)).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(_would_block) => {}
            }
        }
    })
}

fn take(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (stream, peer) = listener.accept()?;
    stream.set_nonblocking(true)?;
    Ok((stream, peer))
}

/// The client has gone away again.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
