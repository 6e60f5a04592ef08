//! Mount calls with their cures; the plan of the root is in `root`.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sys::statvfs::{FsFlags, statvfs};

use super::{SandboxError, sys};

/// How far what is bound can be used. Nothing is ever set-user-id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Access {
    /// Not written.
    pub(super) read_only: bool,
    /// Not mapped executable.
    pub(super) no_exec: bool,
    /// Holds device nodes that work.
    pub(super) devices: bool,
}

/// Code: read-only.
pub(super) const CODE: Access = Access { read_only: true, no_exec: false, devices: false };
/// Files to read.
pub(super) const READ: Access = Access { read_only: true, no_exec: true, devices: false };
/// Files to write.
pub(super) const WRITE: Access = Access { read_only: false, no_exec: true, devices: false };
/// A device node.
pub(super) const DEVICE: Access = Access { read_only: true, no_exec: true, devices: true };

const ATTR_RDONLY: u64 = 1;
const ATTR_NOSUID: u64 = 2;
const ATTR_NODEV: u64 = 4;
const ATTR_NOEXEC: u64 = 8;

/// Binds `source`, with all that is mounted beneath, to `target`, which is made.
pub(super) fn bind(source: &Path, target: &Path, access: Access) -> Result<(), SandboxError> {
    let error = |what, errno, cure| SandboxError::Bind { path: source.to_owned(), what, errno, cure };
    let metadata = std::fs::metadata(source).map_err(|e| {
        let errno = errno_of(&e);
        error("looking at it", errno, "check that it exists and that valord's user may reach it")
    })?;
    make_place(target, metadata.is_dir()).map_err(|e| {
        error("making a place for it", errno_of(&e), "check for another grant of the same path")
    })?;
    let none = None::<&str>;
    mount(Some(source), target, none, MsFlags::MS_BIND | MsFlags::MS_REC, none)
        .map_err(|errno| error("binding it", errno, "check that valord's user may reach it"))?;
    restrict(target, access).map_err(|errno| {
        error("restricting it", errno, "use Linux 5.12 or later, or grant a path without mounts beneath")
    })
}

/// A new tmpfs.
pub(super) fn tmpfs(target: &Path, options: &str, no_exec: bool) -> Result<(), SandboxError> {
    let mut flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    flags.set(MsFlags::MS_NOEXEC, no_exec);
    mount(Some("tmpfs"), target, Some("tmpfs"), flags, Some(options)).map_err(|errno| SandboxError::Bind {
        path: target.to_owned(),
        what: "mounting a tmpfs",
        errno,
        cure: "check that the kernel has tmpfs, and that the directory exists",
    })
}

/// Makes a mount, and all beneath, no more than `access`.
pub(super) fn restrict(target: &Path, access: Access) -> Result<(), Errno> {
    let mut set = ATTR_NOSUID;
    set |= if access.read_only { ATTR_RDONLY } else { 0 };
    set |= if access.no_exec { ATTR_NOEXEC } else { 0 };
    set |= if access.devices { 0 } else { ATTR_NODEV };
    match sys::mount_setattr(target, set) {
        Ok(()) => Ok(()),
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => remount(target, access),
        Err(error) => Err(errno_of(&error)),
    }
}

/// The same for Linux before 5.12: the mount itself only, and the flags that it has already must be repeated.
fn remount(target: &Path, access: Access) -> Result<(), Errno> {
    let held = statvfs(target)?.flags();
    let mut flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_NOSUID;
    flags.set(MsFlags::MS_RDONLY, access.read_only || held.contains(FsFlags::ST_RDONLY));
    flags.set(MsFlags::MS_NOEXEC, access.no_exec || held.contains(FsFlags::ST_NOEXEC));
    flags.set(MsFlags::MS_NODEV, !access.devices || held.contains(FsFlags::ST_NODEV));
    flags.set(MsFlags::MS_NOATIME, held.contains(FsFlags::ST_NOATIME));
    flags.set(MsFlags::MS_NODIRATIME, held.contains(FsFlags::ST_NODIRATIME));
    flags.set(MsFlags::MS_RELATIME, held.contains(FsFlags::ST_RELATIME));
    mount(None::<&str>, target, None::<&str>, flags, None::<&str>)
}

/// A directory, or an empty file, with the directories above it.
fn make_place(target: &Path, directory: bool) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o755);
    if directory {
        return builder.create(target);
    }
    if let Some(parent) = target.parent() {
        builder.create(parent)?;
    }
    if target.exists() { Ok(()) } else { File::create(target).map(drop) }
}

fn errno_of(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}
