//! Makes the state directory, checks that nobody else can change it, and locks it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::{Disk, StoreError};

/// What stands in the state directory, and who may read it: plugin uids pass through to their artifact and data.
const DIRS: [(&str, u32); 6] = [
    ("artifacts", 0o711),
    ("products", 0o711),
    ("plugins", 0o700),
    ("data", 0o711),
    ("run", 0o711),
    ("run/root", 0o755),
];

/// Makes what is missing; the lock is held as long as the returned file.
pub(super) fn prepare(disk: &Disk, dir: &Path) -> Result<File, StoreError> {
    let made = !dir.exists();
    disk.make_dirs(dir, 0o711).map_err(StoreError::io("make the state directory", dir))?;
    if made {
        // The umask has had its say above.
        disk.set_mode(dir, 0o711)?;
    }
    let us = probe(disk, dir)?;
    check(dir, us)?;
    private_dir(disk, &dir.join("run"), 0o711)?;
    let lock = lock(disk, dir)?;
    for (name, mode) in DIRS {
        let path = dir.join(name);
        private_dir(disk, &path, mode)?;
        check(&path, us)?;
    }
    Ok(lock)
}

/// Makes a directory with exactly this mode, whatever the umask says.
pub(super) fn private_dir(disk: &Disk, dir: &Path, mode: u32) -> Result<(), StoreError> {
    match disk.make_dir(dir, mode) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let found = fs::symlink_metadata(dir).map_err(StoreError::io("look at", dir))?;
            if !found.is_dir() {
                return Err(StoreError::Unsafe {
                    path: dir.to_owned(),
                    problem: "is no directory",
                    cure: "move it away, or choose another --state-dir",
                });
            }
            if found.mode() & 0o7777 == mode {
                return Ok(());
            }
        }
        Err(error) => return Err(StoreError::io("make", dir)(error)),
    }
    disk.set_mode(dir, mode)
}

/// Is it writable, and as whom do we write?
fn probe(disk: &Disk, dir: &Path) -> Result<u32, StoreError> {
    let file = disk.begin(dir)?;
    let found = file.as_file().metadata().map_err(StoreError::io("look at", dir))?;
    Ok(found.uid())
}

/// Whoever can write here chooses what valord starts.
fn check(dir: &Path, us: u32) -> Result<(), StoreError> {
    let found = fs::metadata(dir).map_err(StoreError::io("look at", dir))?;
    let refuse = |problem, cure| Err(StoreError::Unsafe { path: dir.to_owned(), problem, cure });
    if found.uid() != us && found.uid() != 0 {
        return refuse(
            "belongs to another user",
            "give it to the user of valord with chown, or choose another --state-dir",
        );
    }
    // In a sticky directory nobody else can rename what is ours.
    if found.mode() & 0o002 != 0 && found.mode() & 0o1000 == 0 {
        return refuse("can be written by everybody", "chmod o-w it, or choose another --state-dir");
    }
    Ok(())
}

fn lock(disk: &Disk, dir: &Path) -> Result<File, StoreError> {
    let path = dir.join("run/lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(StoreError::io("open the lock", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // The pid is a courtesy; the lock is the proof.
            let pid =
                (&mut file).take(32).read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
            return Err(StoreError::Locked { dir: dir.to_owned(), pid });
        }
        Err(TryLockError::Error(error)) => return Err(StoreError::io("lock", &path)(error)),
    }
    let note = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        disk.append(file, format!("{}\n", std::process::id()).as_bytes(), &path)
    };
    note(&mut file).map_err(StoreError::io("write", &path))?;
    Ok(file)
}
