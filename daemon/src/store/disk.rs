//! The only place that changes what is on the disk, step by step: a change is whole or has not happened.

mod watch;

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown};
use std::path::Path;

use tempfile::NamedTempFile;

use super::StoreError;
pub use watch::{Disk, Step};

/// How names of files that are not finished begin.
const UNFINISHED: &str = ".tmp-";

/// What has the name of a new file again when it is not sure that the new one survives.
#[derive(Debug, Clone, Copy)]
pub(super) enum Former<'a> {
    Nothing,
    Bytes(&'a [u8]),
}

impl Disk {
    /// A new file in `dir` (0600) that is gone when dropped, unless [published](Self::publish).
    pub(super) fn begin(&self, dir: &Path) -> Result<NamedTempFile, StoreError> {
        let create = || {
            self.step(Step::Create, dir)?;
            tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(dir)
        };
        create().map_err(|error| StoreError::io("write to", dir)(plain(error)))
    }

    /// Adds bytes to a file.
    pub(super) fn append(&self, mut file: &File, bytes: &[u8], path: &Path) -> io::Result<()> {
        self.step(Step::Write, path)?;
        file.write_all(bytes)
    }

    /// Gives a finished file its mode and its name, so that it survives a power cut.
    pub(super) fn publish(
        &self,
        file: NamedTempFile,
        mode: u32,
        to: &Path,
        former: Former<'_>,
    ) -> Result<(), StoreError> {
        self.place(file, mode, to).map_err(StoreError::io("write", to))?;
        self.sync_parent(to).map_err(|error| {
            let undone = match former {
                Former::Nothing => self.step(Step::Remove, to).and_then(|()| fs::remove_file(to)),
                Former::Bytes(bytes) => self.put(to, mode, bytes),
            };
            undecided(error, to, undone)
        })
    }

    /// Writes a small file as a whole.
    pub(super) fn write(
        &self,
        to: &Path,
        mode: u32,
        bytes: &[u8],
        former: Former<'_>,
    ) -> Result<(), StoreError> {
        let file = self.begin(dir_of(to))?;
        self.append(file.as_file(), bytes, to).map_err(StoreError::io("write", to))?;
        self.publish(file, mode, to, former)
    }

    /// Gives a file another name for good, which ends what it was; one that is not there is fine.
    pub(super) fn retire(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        match self.rename(from, to) {
            Ok(()) => self.sync_parent(from).map_err(|error| undecided(error, from, self.rename(to, from))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(StoreError::io("remove", from)(error)),
        }
    }

    /// Removes a file that has lost its meaning, for good; one that is not there is fine.
    pub(super) fn remove(&self, path: &Path) -> Result<(), StoreError> {
        match self.step(Step::Remove, path).and_then(|()| fs::remove_file(path)) {
            Ok(()) => self.sync_parent(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(StoreError::io("remove", path)(error)),
        }
    }

    /// Removes a directory with everything in it; one that is not there is fine.
    pub(super) fn remove_tree(&self, dir: &Path) -> Result<(), StoreError> {
        match self.step(Step::RemoveTree, dir).and_then(|()| fs::remove_dir_all(dir)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io("remove", dir)(error))
            }
            _ => Ok(()),
        }
    }

    /// Removes a directory if there is nothing in it.
    pub(super) fn remove_empty(&self, dir: &Path) {
        // Where there is something, it stays, as it should.
        let _removed = self.step(Step::RemoveTree, dir).and_then(|()| fs::remove_dir(dir));
    }

    /// Removes what a killed daemon has left unfinished.
    pub(super) fn sweep(&self, dir: &Path) -> Result<(), StoreError> {
        for entry in fs::read_dir(dir).map_err(StoreError::io("read", dir))? {
            let entry = entry.map_err(StoreError::io("read", dir))?;
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                self.remove(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Makes a directory, and those above it.
    pub(super) fn make_dirs(&self, dir: &Path, mode: u32) -> io::Result<()> {
        self.step(Step::MakeDir, dir)?;
        DirBuilder::new().recursive(true).mode(mode).create(dir)
    }

    /// Makes one directory.
    pub(super) fn make_dir(&self, dir: &Path, mode: u32) -> io::Result<()> {
        self.step(Step::MakeDir, dir)?;
        DirBuilder::new().mode(mode).create(dir)
    }

    /// Sets a mode, whatever the umask says.
    pub(super) fn set_mode(&self, path: &Path, mode: u32) -> Result<(), StoreError> {
        self.step(Step::SetMode, path)
            .and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode)))
            .map_err(StoreError::io("set the mode of", path))
    }

    /// Gives a directory away.
    pub(super) fn set_owner(&self, path: &Path, (uid, gid): (u32, u32)) -> io::Result<()> {
        self.step(Step::SetOwner, path)?;
        chown(path, Some(uid), Some(gid))
    }

    /// The file takes its place, which is not sure before the directory is synced.
    fn place(&self, file: NamedTempFile, mode: u32, to: &Path) -> io::Result<()> {
        self.step(Step::SetMode, to)?;
        file.as_file().set_permissions(Permissions::from_mode(mode))?;
        self.step(Step::Sync, to)?;
        file.as_file().sync_all()?;
        self.step(Step::Rename, to)?;
        file.persist(to).map(drop).map_err(|failed| failed.error)
    }

    fn put(&self, to: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
        self.step(Step::Create, dir_of(to))?;
        let file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(dir_of(to))?;
        self.append(file.as_file(), bytes, to)?;
        self.place(file, mode, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        // A directory would take the name, and could not be removed later.
        if fs::symlink_metadata(from)?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        self.step(Step::Rename, to)?;
        fs::rename(from, to)
    }

    fn sync_parent(&self, path: &Path) -> Result<(), StoreError> {
        let dir = dir_of(path);
        let sync = || {
            self.step(Step::SyncDir, dir)?;
            File::open(dir)?.sync_all()
        };
        sync().map_err(StoreError::io("sync", dir))
    }
}

/// Without the random path that `tempfile` adds, which means nothing to anybody.
fn plain(error: io::Error) -> io::Error {
    let text = error.to_string();
    match text.split_once(" at path \"") {
        Some((plain, _)) => io::Error::new(error.kind(), plain),
        None => error,
    }
}

fn dir_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// A change that failed and was undone is an error like any other.
fn undecided(error: StoreError, path: &Path, undone: io::Result<()>) -> StoreError {
    match undone {
        Ok(()) => error,
        Err(undo) => StoreError::Undecided { path: path.to_owned(), error: Box::new(error), undo },
    }
}
