//! Files by the standard library.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::time::SystemTime;

use crate::{Outcome, check};

pub(crate) fn run(dir: &Path) -> Outcome {
    let sub = dir.join("files");
    fs::create_dir_all(sub.join("deeper"))?;
    let path = sub.join("file");
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
    file.write_all(b"hello world")?;
    file.write_all_at(b"HELLO", 0)?;
    check(file.write_vectored(&[IoSlice::new(b"!"), IoSlice::new(b"!")])? == 2, "writev")?;
    file.seek(SeekFrom::Start(0))?;
    let (mut five, mut rest) = ([0; 5], [0; 3]);
    check(file.read_vectored(&mut [IoSliceMut::new(&mut five), IoSliceMut::new(&mut rest)])? == 8, "readv")?;
    file.read_exact_at(&mut rest, 0)?;
    check((&five, &rest) == (b"HELLO", b"HEL"), "what was read is not what was written")?;
    file.lock()?;
    file.unlock()?;
    file.set_len(5)?;
    file.sync_all()?;
    file.sync_data()?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.set_modified(SystemTime::now())?;
    // By name only where the plugin has a root of its own.
    if let Err(error) = fs::set_permissions(&path, fs::Permissions::from_mode(0o600)) {
        check(error.kind() == ErrorKind::PermissionDenied, "the permissions")?;
    }
    fs::copy(&path, sub.join("copy"))?;
    fs::rename(sub.join("copy"), sub.join("deeper/moved"))?;
    check(fs::read(sub.join("deeper/moved"))? == b"HELLO", "the copy")?;
    fs::canonicalize(&path)?;
    check(fs::symlink_metadata(&path)?.permissions().mode() & 0o777 == 0o600, "the mode")?;
    check(fs::read_dir(&sub)?.count() == 2, "the directory")?;
    check(fs::exists(&path)?, "the file")?;
    fs::remove_file(&path)?;
    fs::remove_file(sub.join("deeper/moved"))?;
    fs::remove_dir(sub.join("deeper"))?;
    fs::remove_dir_all(&sub)?;
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    OpenOptions::new().write(true).open("/dev/null")?.write_all(&bytes)?;
    std::env::current_dir()?;
    Ok(())
}
