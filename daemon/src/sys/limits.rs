//! The daemon's own limits.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a process is sent that writes beyond the largest file that it may have, `RLIMIT_FSIZE`.
pub const FILE_TOO_LARGE: i32 = nix::libc::SIGXFSZ;

/// Takes as many descriptors as the system allows: each process of a plugin costs one for every data worker. Returns how
/// many there are; `None`: without limit.
///
/// # Errors
/// When the system refuses.
pub fn raise_descriptors() -> io::Result<Option<u64>> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    Ok(maximum)
}
