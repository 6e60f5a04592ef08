//! What a service manager hands in and is told: `sd_listen_fds(3)`, `sd_notify(3)`, `sd_watchdog_enabled(3)`. Without one, none of
//! it happens.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::time::Duration;

use listenfd::ListenFd;
use sd_notify::NotifyState;

/// How the names of listeners begin that the service manager keeps for the next valord.
const KEPT: &str = "kept-";

/// A listening socket that was handed in.
#[derive(Debug)]
pub struct Inherited {
    /// The socket.
    pub listener: TcpListener,
    /// An earlier valord has bound it; otherwise it is of a socket unit.
    pub kept: bool,
}

/// Takes the listeners that were handed in, once. To be called while the process has one thread: it changes the environment.
///
/// # Errors
/// When one of them is no TCP socket.
pub fn inherited() -> io::Result<Vec<Inherited>> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut sockets = ListenFd::from_env();
    let mut inherited = Vec::new();
    for index in 0..sockets.len() {
        let kept = names.next().is_some_and(|name| name.starts_with(KEPT));
        inherited.extend(sockets.take_tcp_listener(index)?.map(|listener| Inherited { listener, kept }));
    }
    Ok(inherited)
}

/// Has a listener kept over a restart, so that nobody is refused meanwhile.
///
/// # Errors
/// When the service manager does not listen.
pub fn keep(listener: &TcpListener) -> io::Result<()> {
    let name = kept(listener.local_addr()?);
    sd_notify::notify_with_fds(&[NotifyState::FdStore, NotifyState::FdName(&name)], &[listener.as_fd()])
}

/// Has a listener kept no more.
///
/// # Errors
/// When the service manager does not listen.
pub fn forget(address: SocketAddr) -> io::Result<()> {
    sd_notify::notify(&[NotifyState::FdStoreRemove, NotifyState::FdName(&kept(address))])
}

/// Says that all is up.
///
/// # Errors
/// When the service manager does not listen.
pub fn ready(status: &str) -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(status)])
}

/// Says that the configuration is being read again; [`ready`] says that it has been (`sd_notify(3)`, `RELOADING=1`).
///
/// # Errors
/// When the service manager does not listen.
pub fn reloading() -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Reloading, NotifyState::monotonic_usec_now()?])
}

/// Says that the end has begun.
///
/// # Errors
/// When the service manager does not listen.
pub fn stopping() -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Stopping])
}

/// Says that all is alive.
///
/// # Errors
/// When the service manager does not listen.
pub fn alive() -> io::Result<()> {
    sd_notify::notify(&[NotifyState::Watchdog])
}

/// How often the service manager wants to hear [`alive`], if it does.
#[must_use]
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|period| !period.is_zero())
}

/// A name without a colon, which separates names.
fn kept(address: SocketAddr) -> String {
    format!("{KEPT}{}", address.to_string().replace(':', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_and_have_no_colon() {
        let names =
            ["127.0.0.1:80", "127.0.0.1:81", "[::1]:80"].map(|address| kept(address.parse().unwrap()));
        assert_eq!(names, ["kept-127.0.0.1_80", "kept-127.0.0.1_81", "kept-[__1]_80"]);
    }
}
