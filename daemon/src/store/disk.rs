//! The only place that writes, renames and syncs: a change is whole or has not happened.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::NamedTempFile;

use super::StoreError;

/// How names of files that are not finished begin.
const UNFINISHED: &str = ".tmp-";

/// A new file in `dir` (0600) that is gone when dropped, unless [`publish`]ed.
pub(super) fn begin(dir: &Path) -> Result<NamedTempFile, StoreError> {
    let file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(dir);
    file.map_err(|error| StoreError::io("write to", dir)(plain(&error)))
}

/// Without the random path that `tempfile` adds, which means nothing to anybody.
fn plain(error: &io::Error) -> io::Error {
    let text = error.to_string();
    io::Error::new(error.kind(), text.split(" at path \"").next().unwrap_or_default())
}

/// Gives a finished file its mode and its name, so that it survives a power cut.
pub(super) fn publish(file: NamedTempFile, mode: u32, to: &Path) -> Result<(), StoreError> {
    let seal = || {
        file.as_file().set_permissions(Permissions::from_mode(mode))?;
        file.as_file().sync_all()
    };
    seal().map_err(StoreError::io("write", to))?;
    file.persist(to).map_err(|failed| StoreError::io("write", to)(failed.error))?;
    sync_parent(to)
}

/// Writes a small file as a whole.
pub(super) fn write(dir: &Path, to: &Path, mode: u32, bytes: &[u8]) -> Result<(), StoreError> {
    let file = begin(dir)?;
    file.as_file().write_all(bytes).map_err(StoreError::io("write", to))?;
    publish(file, mode, to)
}

/// Removes a file for good; one that is not there is fine.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Ok(()) => sync_parent(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StoreError::io("remove", path)(error)),
    }
}

/// Removes what a killed daemon has left unfinished.
pub(super) fn sweep(dir: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(dir).map_err(StoreError::io("read", dir))? {
        let entry = entry.map_err(StoreError::io("read", dir))?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

fn sync_parent(path: &Path) -> Result<(), StoreError> {
    let Some(dir) = path.parent() else { return Ok(()) };
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(StoreError::io("sync", dir))
}
