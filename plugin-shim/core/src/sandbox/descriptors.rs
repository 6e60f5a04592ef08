//! Layer `descriptors`: nothing is open but 0, 1, 2, the control socket and the data sockets.

use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::stat::{SFlag, fstat};
use valor_wire::control::LayerReport;

use super::{Fds, SandboxError, sys};
use crate::report;

const LAYER: &str = "descriptors";

/// Closes what is too much, and checks that what remains opens no door.
pub(super) fn apply(fds: &Fds) -> Result<LayerReport, SandboxError> {
    for fd in 0..=2 {
        check_standard(fd)?;
    }
    for fd in fds.all() {
        check_socket(fd)?;
    }
    close_others(fds)?;
    Ok(report::probed(LAYER, probe(fds)))
}

/// Closes every descriptor but 0, 1, 2 and `fds`.
pub(super) fn close_others(fds: &Fds) -> Result<(), SandboxError> {
    let mut first = 3;
    let mut kept: Vec<u32> = fds.all().filter_map(|fd| u32::try_from(fd).ok()).collect();
    kept.sort_unstable();
    kept.push(u32::MAX);
    for keep in kept {
        if first < keep {
            close_range(first, keep - 1)?;
        }
        first = keep.saturating_add(1);
    }
    Ok(())
}

/// Whether the process table of descriptors holds only what it should; without /proc the kernel's word is taken.
fn probe(fds: &Fds) -> Result<(), String> {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else {
        return Ok(());
    };
    let open: Vec<RawFd> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|fd| *fd > 2 && !fds.all().any(|kept| kept == *fd))
        .collect();
    // The directory that is being read is itself one of them, and closed by now.
    match open.iter().find(|fd| is_open(**fd)) {
        None => Ok(()),
        Some(fd) => Err(format!("descriptor {fd} is open and could not be closed")),
    }
}

fn is_open(fd: RawFd) -> bool {
    sys::borrow(fd).is_ok()
}

fn close_range(first: u32, last: u32) -> Result<(), SandboxError> {
    match sys::close_range(first, last) {
        Ok(()) => Ok(()),
        Err(Errno::ENOSYS) => {
            // Linux before 5.9.
            let limit = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE)
                .map_or(65_536, |(_, hard)| hard.min(1 << 20));
            for fd in u64::from(first)..=u64::from(last).min(limit) {
                if let Ok(fd) = RawFd::try_from(fd) {
                    // Most of the numbers are not open.
                    let _not_open = nix::unistd::close(fd);
                }
            }
            Ok(())
        }
        Err(errno) => Err(SandboxError::Call {
            step: "close_range",
            errno,
            cure: "allow it in the filter of the service",
        }),
    }
}

/// 0, 1 and 2 must be open, and no directory: one would lead out of every root.
fn check_standard(fd: RawFd) -> Result<(), SandboxError> {
    match kind(fd)? {
        SFlag::S_IFDIR => Err(SandboxError::Descriptor { fd, why: "is a directory".to_owned() }),
        _ => Ok(()),
    }
}

/// The rest are sockets. They are closed on exec: there is none, but who knows.
fn check_socket(fd: RawFd) -> Result<(), SandboxError> {
    let refuse = |why: &str| SandboxError::Descriptor { fd, why: why.to_owned() };
    if fd <= 2 {
        return Err(refuse("is a standard one"));
    }
    if kind(fd)? != SFlag::S_IFSOCK {
        return Err(refuse("is not a socket"));
    }
    sys::borrow(fd)
        .and_then(|borrowed| fcntl(borrowed, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)))
        .map_err(|errno| refuse(&format!("cannot be closed on exec ({errno})")))?;
    Ok(())
}

fn kind(fd: RawFd) -> Result<SFlag, SandboxError> {
    let status = sys::borrow(fd)
        .and_then(fstat)
        .map_err(|errno| SandboxError::Descriptor { fd, why: format!("is not open ({errno})") })?;
    Ok(SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT)
}
