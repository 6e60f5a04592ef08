//! The descriptors that valord started this process with.

#![expect(unsafe_code, reason = "descriptors by number")]

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Takes over a descriptor that was named on the command line. Called once for each of them: the command line names
/// none twice.
pub(crate) fn adopt(fd: RawFd) -> io::Result<OwnedFd> {
    if fd < 3 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: a number from 3 up is no -1; that it is open is what the call finds out.
    let flags = rustix::io::fcntl_getfd(unsafe { BorrowedFd::borrow_raw(fd) })?;
    // SAFETY: it is open, it came with this process, and nothing else in it owns it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    rustix::io::fcntl_setfd(&fd, flags | rustix::io::FdFlags::CLOEXEC)?;
    Ok(fd)
}

/// Takes over the data sockets, which are read and written without waiting.
pub(crate) fn adopt_all(fds: &[RawFd]) -> io::Result<Vec<OwnedFd>> {
    fds.iter()
        .map(|fd| {
            let socket = adopt(*fd)?;
            let flags = rustix::fs::fcntl_getfl(&socket)?;
            rustix::fs::fcntl_setfl(&socket, flags | rustix::fs::OFlags::NONBLOCK)?;
            Ok(socket)
        })
        .collect()
}
