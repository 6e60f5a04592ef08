//! Where the control socket is when nobody says: the caller's own daemon, then the system's.

use std::path::PathBuf;

/// The system service's socket (FHS 3.0, section 3.15).
pub const SYSTEM: &str = "/run/valor/control.sock";

/// The socket of an ordinary user's daemon, `$XDG_RUNTIME_DIR/valor/control.sock` (XDG Base Directory
/// Specification); `None` where the variable is not set to an absolute path.
#[must_use]
pub fn user() -> Option<PathBuf> {
    let dir = PathBuf::from(std::env::var_os("XDG_RUNTIME_DIR")?);
    dir.is_absolute().then(|| dir.join("valor/control.sock"))
}

/// The places to look at, best first.
#[must_use]
pub fn candidates() -> Vec<PathBuf> {
    user().into_iter().chain([PathBuf::from(SYSTEM)]).collect()
}
