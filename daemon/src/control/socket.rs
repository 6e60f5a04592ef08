//! The control socket's file: who owns it now is asked before anything is removed.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, UCred};

use super::{Access, way};
use crate::sys::users;

/// Callers who wait until they are accepted.
const QUEUE: i32 = 1024;

/// A socket that is listened on; dropped, its file is removed, if it is still that one.
#[derive(Debug)]
pub struct Bound {
    listener: Option<UnixListener>,
    path: PathBuf,
    identity: (u64, u64),
    access: Access,
}

/// Why there is no control socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Somebody answers there.
    #[error("another valord{} owns the control socket {}: stop it, or give this one its own --control", named(*pid), path.display())]
    Taken {
        /// The file.
        path: PathBuf,
        /// Who, where known.
        pid: Option<i32>,
    },
    /// Somebody answers there who is not to be trusted with anything.
    #[error("uid {uid} (pid {pid}) listens on {} and waits for what is meant for valord: remove it, or choose a --control in a directory of your own", path.display())]
    Squatted {
        /// The file.
        path: PathBuf,
        /// Whose.
        uid: u32,
        /// Its process.
        pid: i32,
    },
    /// Others could put their own socket in the place of this one.
    #[error("{} is no place for the control socket: {why}; {}", dir.display(), cure)]
    Exposed {
        /// The directory, on the way to the socket.
        dir: PathBuf,
        /// Who could.
        why: String,
        /// What to do.
        cure: &'static str,
    },
    /// Something else has this name.
    #[error("{} is there and is no socket: move it away, or choose another --control", path.display())]
    NotASocket {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot {step} {}: {source}; {}", path.display(), cure(source))]
    Io {
        /// What was tried.
        step: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn named(pid: Option<i32>) -> String {
    pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
}

fn cure(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::InvalidInput => "a socket's path has at most 107 bytes: choose a shorter --control",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "choose a place that valord may write to with --control"
        }
        _ => "choose another --control",
    }
}

/// Listens on a path. Members of `group` may connect, where there is such a group and valord is root or runs as that group; else
/// only the owner.
///
/// # Errors
/// When another daemon answers there, something else has the name, or the system refuses.
pub fn bind(path: &Path, group: &str) -> Result<Bound, SocketError> {
    let io = |step| move |source| SocketError::Io { step, path: path.to_owned(), source };
    let own = users::own_uid();
    // Of an ordinary user only the one that a service runs as: who is a member besides may want a daemon of their own.
    let group = users::group_id(group).map_err(io("look up the group of"))?;
    let group = group.filter(|&gid| own == 0 || gid == users::own_gid());
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        let mode = if own == 0 { 0o755 } else { 0o700 };
        DirBuilder::new().recursive(true).mode(mode).create(dir).map_err(io("make the directory of"))?;
    }
    way::check(path, own)?;
    clear(path, own)?;
    let listener = listen(path).map_err(io("listen on"))?;
    if group.is_some() {
        std::os::unix::fs::lchown(path, None, group).map_err(io("set the group of"))?;
    }
    let mode = if group.is_some() { 0o660 } else { 0o600 };
    if own == 0 && group.is_none() {
        tracing::info!("there is no group for the control socket: only root may use it");
    }
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(io("set the mode of"))?;
    let found = fs::symlink_metadata(path).map_err(io("look at"))?;
    let identity = (found.dev(), found.ino());
    Ok(Bound { listener: Some(listener), path: path.to_owned(), identity, access: Access::new(own, group) })
}

/// The file has never more than the owner's rights, whatever the umask is: `bind` takes the mode of the socket.
fn listen(path: &Path) -> io::Result<UnixListener> {
    let address = SocketAddrUnix::new(path).map_err(|_| ErrorKind::InvalidInput)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::fs::fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, QUEUE)?;
    Ok(socket.into())
}

/// Removes the socket of a daemon that is gone, and nothing else.
fn clear(path: &Path, own: u32) -> Result<(), SocketError> {
    let io = |step| move |source| SocketError::Io { step, path: path.to_owned(), source };
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io("look at")(error)),
    };
    if !found.file_type().is_socket() {
        return Err(SocketError::NotASocket { path: path.to_owned() });
    }
    let taken = |pid| Err(SocketError::Taken { path: path.to_owned(), pid });
    match knock(path) {
        Ok(Some(peer)) if ![0, own].contains(&peer.uid.as_raw()) => Err(SocketError::Squatted {
            path: path.to_owned(),
            uid: peer.uid.as_raw(),
            pid: peer.pid.as_raw_nonzero().get(),
        }),
        Ok(peer) => taken(peer.map(|peer| peer.pid.as_raw_nonzero().get())),
        Err(Errno::CONNREFUSED) => {
            // Not one that another valord has put there meanwhile.
            match fs::symlink_metadata(path) {
                Ok(now) if (now.dev(), now.ino()) == (found.dev(), found.ino()) => {
                    fs::remove_file(path).map_err(io("remove the stale socket"))
                }
                _ => taken(None),
            }
        }
        Err(Errno::NOENT) => Ok(()),
        // It cannot be told that nobody is there; and one who accepts nobody has a full queue.
        Err(_) => taken(None),
    }
}

/// Connects, and says to whom; never waits for somebody who does not accept.
fn knock(path: &Path) -> Result<Option<UCred>, Errno> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(rustix::net::sockopt::socket_peercred(&socket).ok())
}

impl Bound {
    /// The listener, once, registered with the current runtime; the file lives as long as `self`.
    ///
    /// # Errors
    /// When it was taken already, or there is no runtime.
    pub fn listen(&mut self) -> io::Result<tokio::net::UnixListener> {
        let listener = self.listener.take().ok_or(ErrorKind::NotConnected)?;
        tokio::net::UnixListener::from_std(listener)
    }

    /// Who may connect.
    #[must_use]
    pub fn access(&self) -> Access {
        self.access.clone()
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let ours =
            fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.identity);
        if ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove the control socket");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_GROUP: &str = "no-such-group-anywhere";

    #[test]
    fn a_socket_is_private_and_gone_in_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("below/control.sock");
        let bound = bind(&path, NO_GROUP).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        drop(bound);
        assert!(!path.exists());
    }

    #[test]
    fn the_group_gets_in_when_valord_is_root() {
        if users::own_uid() != 0 {
            // Who is not root has no group to share with, and says so by the mode.
            let dir = tempfile::tempdir().unwrap();
            let _bound = bind(&dir.path().join("control.sock"), "daemon").unwrap();
            assert_eq!(fs::metadata(dir.path().join("control.sock")).unwrap().mode() & 0o7777, 0o600);
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control.sock");
        let _bound = bind(&path, "daemon").unwrap();
        let found = fs::metadata(&path).unwrap();
        assert_eq!(found.mode() & 0o7777, 0o660);
        assert_eq!(Some(found.gid()), users::group_id("daemon").unwrap());
    }

    #[test]
    fn the_living_are_asked_before_anything_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control.sock");
        let first = bind(&path, NO_GROUP).unwrap();
        let message = bind(&path, NO_GROUP).unwrap_err().to_string();
        assert!(message.contains(&format!("another valord (pid {})", std::process::id())), "{message}");
        assert!(path.exists());
        drop(first);
        bind(&path, NO_GROUP).unwrap();
    }

    #[test]
    fn one_who_accepts_nobody_is_alive_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control.sock");
        let listener = UnixListener::bind(&path).unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        // Its queue is full: to connect would be to wait.
        let waiting: Vec<_> = std::iter::repeat_with(|| {
            let flags = SocketFlags::NONBLOCK;
            let socket =
                rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap();
            rustix::net::connect(&socket, &SocketAddrUnix::new(&path).unwrap()).map(|()| socket)
        })
        .take(1000)
        .map_while(Result::ok)
        .collect();
        assert!(waiting.len() < 1000, "the queue has no end");
        let refused = bind(&path, NO_GROUP).unwrap_err();
        assert!(matches!(refused, SocketError::Taken { pid: None, .. }), "{refused}");
        assert!(path.exists());
    }

    #[test]
    fn a_stale_socket_makes_room_and_anything_else_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control.sock");
        // What a killed daemon leaves: the file without a listener.
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        drop(bind(&path, NO_GROUP).unwrap());

        fs::write(&path, "precious").unwrap();
        assert!(matches!(bind(&path, NO_GROUP), Err(SocketError::NotASocket { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        let link = dir.path().join("link.sock");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(bind(&link, NO_GROUP), Err(SocketError::NotASocket { .. })));
    }

    #[test]
    fn somebody_elses_file_is_left_at_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control.sock");
        let bound = bind(&path, NO_GROUP).unwrap();
        fs::rename(&path, dir.path().join("moved")).unwrap();
        fs::write(&path, "precious").unwrap();
        drop(bound);
        assert!(path.exists());
    }

    #[test]
    fn a_path_that_no_socket_can_have_says_so() {
        let long = format!("/tmp/{}", "x".repeat(120));
        assert!(bind(Path::new(&long), NO_GROUP).unwrap_err().to_string().contains("107 bytes"));
    }
}
