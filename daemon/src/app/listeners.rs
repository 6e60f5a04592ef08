//! Where HTTP is served: on sockets that the service manager hands in, and on those that valord binds itself.
//!
//! Sockets of a socket unit are served beside `listen`. Sockets that an earlier valord has bound are taken over when `listen` still
//! names them, so that a restart refuses nobody.

use std::io;
use std::net::{SocketAddr, TcpListener};

use anyhow::Context as _;
use tokio::net::TcpSocket;

use crate::config::DEFAULT_LISTEN;
use crate::sys::systemd::{self, Inherited};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 4096;

/// All listeners; `listen` is empty where nothing was configured.
///
/// # Errors
/// Says which address cannot be had, and what to do.
pub(super) fn open(listen: &[SocketAddr]) -> anyhow::Result<Vec<TcpListener>> {
    let inherited = systemd::inherited().context(
        "a socket that was handed in cannot be used: a socket unit of valord needs ListenStream= with a TCP address",
    )?;
    all(listen, inherited)
}

fn all(listen: &[SocketAddr], inherited: Vec<Inherited>) -> anyhow::Result<Vec<TcpListener>> {
    let default = [DEFAULT_LISTEN];
    let from_units = inherited.iter().any(|socket| !socket.kept);
    let listen = if listen.is_empty() && !from_units { &default } else { listen };
    let mut listeners = Vec::new();
    for Inherited { listener, kept } in inherited {
        let address =
            listener.local_addr().context("cannot tell the address of a socket that was handed in")?;
        if !kept || listen.contains(&address) {
            listeners.push(listener);
        } else {
            tracing::info!(%address, "not served any more");
            said("forget a listener", systemd::forget(address));
        }
    }
    for &address in listen {
        if listeners.iter().any(|listener| listener.local_addr().is_ok_and(|taken| taken == address)) {
            continue;
        }
        let listener = bind(address)
            .with_context(|| format!("cannot listen on {address}: choose another with --listen"))?;
        said("keep a listener", systemd::keep(&listener));
        listeners.push(listener);
    }
    Ok(listeners)
}

/// A service manager that does not listen is nothing to end for.
pub(super) fn said(what: &str, result: io::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, "cannot ask the service manager to {what}");
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart does not wait for old connections to time out.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handed(kept: bool) -> (Inherited, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (Inherited { listener, kept }, address)
    }

    fn addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
        listeners.iter().map(|listener| listener.local_addr().unwrap()).collect()
    }

    #[tokio::test]
    async fn sockets_of_units_are_served_beside_what_is_configured() {
        let (unit, first) = handed(false);
        assert_eq!(addresses(&all(&[], vec![unit]).unwrap()), [first], "the default gives way");
        let (unit, first) = handed(false);
        let free = handed(false).1;
        assert_eq!(addresses(&all(&[first, free], vec![unit]).unwrap()), [first, free]);
    }

    #[tokio::test]
    async fn what_was_kept_is_taken_over_or_let_go() {
        let (kept, address) = handed(true);
        // It could not be bound once more.
        assert_eq!(addresses(&all(&[address], vec![kept]).unwrap()), [address]);
        let ((stale, gone), other) = (handed(true), handed(true).1);
        assert_eq!(addresses(&all(&[other], vec![stale]).unwrap()), [other]);
        TcpListener::bind(gone).unwrap();
    }

    #[tokio::test]
    async fn an_address_that_is_taken_says_what_to_do() {
        let (other, address) = handed(false);
        let error = format!("{:#}", all(&[address], Vec::new()).unwrap_err());
        assert!(error.contains("choose another with --listen") && error.contains("in use"), "{error}");
        drop(other);
    }
}
