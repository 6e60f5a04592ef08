//! The registrations: behind a small trait, so that a fleet may one day share one.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::Deserialize;

use super::disk::Former;
use super::{Registration, Store, StoreError, VERSION, check_name};
use crate::sys::users::own_uid;

/// A registration file is small; what is longer is none of ours.
pub(super) const MAX_FILE: u64 = 8 << 20;

/// How the name of a registration ends that was removed, until its data is gone, too.
const TOMBSTONE: &str = ".gone";

/// Where registrations are kept.
pub trait Registry: Send + Sync + std::fmt::Debug {
    /// Every entry, also those that cannot be read; by name.
    ///
    /// # Errors
    /// When not even the list can be read.
    fn load_all(&self) -> Result<Vec<Entry>, StoreError>;

    /// Keeps a registration, in place of one with the same name; when this returns it survives a power cut.
    ///
    /// # Errors
    /// When it cannot be kept; the former one is then still there.
    fn save(&self, registration: &Registration) -> Result<(), StoreError>;

    /// Forgets an entry; one that is not there is fine. What it has written goes with [`Store::remove_data_dir`].
    ///
    /// # Errors
    /// When it cannot be forgotten; it is then still there.
    fn remove(&self, name: &str) -> Result<(), StoreError>;
}

/// One entry of the registry.
#[derive(Debug, PartialEq)]
pub enum Entry {
    /// Can be started.
    Good(Box<Registration>),
    /// Cannot be read; shown as `failed` and left alone.
    Failed {
        /// The file's stem.
        name: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
}

impl Registry for Store {
    fn load_all(&self) -> Result<Vec<Entry>, StoreError> {
        let dir = self.plugins_dir();
        let mut names = Vec::new();
        for entry in fs::read_dir(&dir).map_err(StoreError::io("read", &dir))? {
            let entry = entry.map_err(StoreError::io("read", &dir))?;
            // What valord cannot have named is not its own.
            let file_name = entry.file_name();
            let name = file_name.to_str().and_then(|name| name.strip_suffix(".json"));
            names.extend(name.filter(|name| !name.is_empty()).map(str::to_owned));
        }
        names.sort();
        let mut entries = Vec::with_capacity(names.len());
        let mut state = self.state();
        for name in names {
            let path = self.file_of(&name);
            let (hash, entry) = match read(&path, &name) {
                Ok(registration) => (Some(registration.sha256.clone()), Entry::Good(Box::new(registration))),
                Err(Unreadable { reason, sha256 }) => (sha256, Entry::Failed { name: name.clone(), reason }),
            };
            match hash {
                Some(hash) => drop(state.saved.insert(name, hash)),
                None => drop(state.unread.insert(name)),
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    fn save(&self, registration: &Registration) -> Result<(), StoreError> {
        let name = &registration.name;
        let bytes = encode(registration)?;
        // The lock orders two changes of one file, on disk and in the index alike.
        let mut state = self.state();
        self.put_back(&mut state)?;
        let saved = self.overwrite(&self.file_of(name), &bytes);
        state.note(name, &saved, Some(&registration.sha256));
        saved
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        // A failed entry may have any name that is a file's, but no path.
        if name.is_empty() || name.contains('/') {
            return Err(StoreError::Name { name: name.to_owned(), reason: "it is no file name" });
        }
        let mut state = self.state();
        self.put_back(&mut state)?;
        let removed = self.disk().retire(&self.file_of(name), &self.tombstone_of(name));
        state.note(name, &removed, None);
        removed
    }
}

impl Store {
    /// Ends what was begun when plugins were unregistered.
    pub(super) fn finish_removals(&self) -> Result<(), StoreError> {
        let dir = self.plugins_dir();
        for entry in fs::read_dir(&dir).map_err(StoreError::io("read", &dir))? {
            let file_name = entry.map_err(StoreError::io("read", &dir))?.file_name();
            if let Some(name) = file_name.to_str().and_then(|name| name.strip_suffix(TOMBSTONE)) {
                self.finish_removal(name)?;
            }
        }
        Ok(())
    }

    /// The data of a plugin that is gone goes; one that was registered since has none of it.
    pub(super) fn finish_removal(&self, name: &str) -> Result<(), StoreError> {
        let (tombstone, file) = (self.tombstone_of(name), self.file_of(name));
        if tombstone.symlink_metadata().is_err() {
            return Ok(());
        }
        if file.symlink_metadata().is_ok() {
            self.disk().remove(&tombstone)
        } else if self.state().saved.contains_key(name) {
            // Whether it is unregistered could not be decided, and until the next start it is not.
            Ok(())
        } else {
            self.remove_data_dir(name)
        }
    }

    /// Writes a state file, in place of what has its name.
    pub(super) fn overwrite(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let former = open(path).and_then(|mut file| load(&mut file));
        let former = former.as_ref().map_or(Former::Nothing, |text| Former::Bytes(text.as_bytes()));
        self.disk().write(path, 0o600, bytes, former)
    }

    pub(super) fn file_of(&self, name: &str) -> PathBuf {
        self.plugins_dir().join(format!("{name}.json"))
    }

    pub(super) fn tombstone_of(&self, name: &str) -> PathBuf {
        self.plugins_dir().join(format!("{name}{TOMBSTONE}"))
    }
}

/// As it stands in its file.
pub(super) fn encode(registration: &Registration) -> Result<Vec<u8>, StoreError> {
    let name = &registration.name;
    check_name(name).map_err(|reason| StoreError::Name { name: name.clone(), reason })?;
    let failed = |source| StoreError::Encode { name: name.clone(), source };
    let mut bytes = serde_json::to_vec_pretty(registration).map_err(failed)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// A registration that cannot be read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// What is wrong with it, and what to do.
    pub(crate) reason: String,
    /// The artifact that it needs all the same.
    sha256: Option<String>,
}

/// What every version has.
#[derive(Deserialize)]
struct Header {
    version: u32,
    #[serde(default)]
    sha256: Option<String>,
}

impl Unreadable {
    fn damaged(path: &Path, name: &str, what: impl std::fmt::Display, sha256: Option<String>) -> Self {
        let path = path.display();
        let reason =
            format!("the state file {path} is damaged: {what}; unregister {name} and register it again");
        Self { reason, sha256 }
    }
}

fn read(path: &Path, name: &str) -> Result<Registration, Unreadable> {
    let damaged = |error| Unreadable::damaged(path, name, error, None);
    let mut file = open(path).map_err(damaged)?;
    if let Some(problem) = unsafe_because(&file) {
        let reason = format!(
            "the state file {} is not safe: {problem}; when you know that it is right, give it to the user of valord \
             with mode 0600 and restart valord, else unregister {name}",
            path.display()
        );
        return Err(Unreadable { reason, sha256: None });
    }
    let text = load(&mut file).map_err(damaged)?;
    read_registration(path, name, &text)
}

/// What stands in a state file; `path` and `name` are for the message, and `name` must stand in it.
pub(crate) fn read_registration(path: &Path, name: &str, text: &str) -> Result<Registration, Unreadable> {
    let damaged = |what: &dyn std::fmt::Display, sha256| Unreadable::damaged(path, name, what, sha256);
    let header: Header = serde_json::from_str(text).map_err(|error| damaged(&error, None))?;
    if header.version > VERSION {
        let reason = format!(
            "the state file {} has version {}, and this valord reads up to {VERSION}: run the newer valord again",
            path.display(),
            header.version
        );
        return Err(Unreadable { reason, sha256: header.sha256 });
    }
    if header.version == 0 {
        return Err(damaged(&"version 0 has never existed", header.sha256));
    }
    let registration: Registration =
        serde_json::from_str(text).map_err(|error| damaged(&error, header.sha256.clone()))?;
    if registration.name != name {
        return Err(damaged(&format_args!("it names {:?}", registration.name), header.sha256));
    }
    if let Err(reason) = check_name(name) {
        return Err(damaged(&format_args!("{name:?} is no plugin name: {reason}"), header.sha256));
    }
    if !super::artifacts::is_hash(&registration.sha256) {
        return Err(damaged(&"its sha256 is none", None));
    }
    Ok(registration)
}

/// Opens a regular file; whatever else has the name is not waited for.
pub(super) fn open(path: &Path) -> io::Result<fs::File> {
    let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
    let file = fs::OpenOptions::new().read(true).custom_flags(nonblocking).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no regular file")),
    }
}

/// Whoever can write to it chooses what valord starts, and with which grants.
pub(super) fn unsafe_because(file: &fs::File) -> Option<String> {
    let found = file.metadata().ok()?;
    if found.uid() != 0 && found.uid() != own_uid() {
        return Some(format!("it belongs to uid {}", found.uid()));
    }
    let mode = found.mode() & 0o7777;
    (mode & 0o022 != 0).then(|| format!("others can write to it (mode {mode:04o})"))
}

pub(super) fn load(file: &mut fs::File) -> io::Result<String> {
    let mut text = String::new();
    if file.take(MAX_FILE + 1).read_to_string(&mut text)? as u64 > MAX_FILE {
        return Err(io::Error::other("it is longer than 8 MiB"));
    }
    Ok(text)
}
