//! Artifacts by the hash of their content: written once, never changed, verified before each start.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::disk::Former;
use super::{Store, StoreError};

/// An artifact that is in the store and stays there while this lives.
#[derive(Debug)]
pub struct ArtifactRef {
    store: Store,
    sha256: String,
    size: u64,
}

impl ArtifactRef {
    /// Its name.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// In bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.store.artifact_path(&self.sha256)
    }

    /// Opens it for reading.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(&self) -> Result<File, StoreError> {
        let path = self.path();
        File::open(&path).map_err(StoreError::io("open", &path))
    }
}

impl Clone for ArtifactRef {
    fn clone(&self) -> Self {
        self.store.pin(&self.sha256, self.size)
    }
}

impl Drop for ArtifactRef {
    fn drop(&mut self) {
        let mut state = self.store.state();
        if let Some(count) = state.pins.get_mut(&self.sha256) {
            *count -= 1;
            if *count == 0 {
                state.pins.remove(&self.sha256);
            }
        }
    }
}

/// Takes an artifact in, piece by piece; what is dropped unfinished leaves nothing behind.
#[derive(Debug)]
pub struct ArtifactWriter {
    store: Store,
    file: NamedTempFile,
    hash: Sha256,
    written: u64,
    size: u64,
    /// What it must hash to, where somebody has said it.
    announced: Option<String>,
}

impl ArtifactWriter {
    /// Adds the next piece.
    ///
    /// # Errors
    /// When it is more than was announced, or cannot be written.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), StoreError> {
        let length = piece.len() as u64;
        if length > self.size - self.written {
            return Err(StoreError::Mismatch(format!(
                "more than the {} bytes that were announced came",
                self.size
            )));
        }
        let dir = self.store.artifacts_dir();
        let written = self.store.disk().append(self.file.as_file(), piece, &dir);
        written.map_err(StoreError::io("write to", &dir))?;
        self.hash.update(piece);
        self.written += length;
        Ok(())
    }

    /// Checks size and hash, and puts the artifact in its place.
    ///
    /// # Errors
    /// When they do not match, or the file cannot be kept.
    pub fn finish(self) -> Result<ArtifactRef, StoreError> {
        if self.written != self.size {
            return Err(StoreError::Mismatch(format!("{} of {} bytes came", self.written, self.size)));
        }
        let found = hex(&self.hash.finalize());
        if let Some(announced) = self.announced.filter(|announced| *announced != found) {
            return Err(StoreError::Mismatch(format!("its sha-256 is {found}, not {announced}")));
        }
        // Pinned before it is there, so that a collection in between spares it.
        let artifact = self.store.pin(&found, self.size);
        // One after the other: what is there already and whole stays the same file, which sandboxes may have opened their way to.
        let _turn = self.store.shared.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.store.verify(&found).is_err() {
            self.store.disk().publish(self.file, 0o444, &artifact.path(), Former::Nothing)?;
        }
        Ok(artifact)
    }
}

impl Store {
    /// Begins to take in an artifact of this size and hash (lower-case hexadecimal).
    ///
    /// # Errors
    /// When the hash is none, or no file can be made.
    pub fn write_artifact(&self, sha256: &str, size: u64) -> Result<ArtifactWriter, StoreError> {
        if !is_hash(sha256) {
            return Err(StoreError::Mismatch(
                "the sha-256 is not 64 lower-case hexadecimal digits".to_owned(),
            ));
        }
        self.writer(Some(sha256.to_owned()), size)
    }

    fn writer(&self, announced: Option<String>, size: u64) -> Result<ArtifactWriter, StoreError> {
        let file = self.disk().begin(&self.artifacts_dir())?;
        let (store, hash) = (self.clone(), Sha256::new());
        Ok(ArtifactWriter { store, file, hash, written: 0, size, announced })
    }

    /// Takes in a file of this machine, of at most `limit` bytes.
    ///
    /// # Errors
    /// When it cannot be read, is no regular file, is too large, or cannot be kept.
    pub fn import(&self, path: &Path, limit: u64) -> Result<ArtifactRef, StoreError> {
        let mut source = File::open(path).map_err(StoreError::io("open", path))?;
        let found = source.metadata().map_err(StoreError::io("look at", path))?;
        if !found.is_file() || found.len() > limit {
            let what = if found.is_file() {
                format!("it has more than {limit} bytes")
            } else {
                "it is no regular file".to_owned()
            };
            return Err(StoreError::io("take in", path)(std::io::Error::other(what)));
        }
        // What is there is what is wanted, so only its size is announced.
        let mut writer = self.writer(None, found.len())?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match source.read(&mut buffer).map_err(StoreError::io("read", path))? {
                0 => return writer.finish(),
                n => writer.write(&buffer[..n])?,
            }
        }
    }

    /// Hashes a stored artifact again: what starts is what was registered.
    ///
    /// # Errors
    /// When it is missing or has changed.
    pub fn verify(&self, sha256: &str) -> Result<ArtifactRef, StoreError> {
        let damaged = |found: String| StoreError::Damaged { sha256: sha256.to_owned(), found };
        if !is_hash(sha256) {
            return Err(damaged("its name is no hash".to_owned()));
        }
        // Before it is opened, so that it is not collected meanwhile.
        let mut artifact = self.pin(sha256, 0);
        let path = artifact.path();
        let mut file = File::open(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => damaged("it is missing".to_owned()),
            _ => StoreError::io("open", &path)(error),
        })?;
        let found = file.metadata().map_err(StoreError::io("look at", &path))?;
        if !found.is_file() {
            return Err(damaged("it is no regular file".to_owned()));
        }
        let hash = hash_of(&mut file, found.len()).map_err(StoreError::io("read", &path))?;
        if hash != sha256 {
            return Err(damaged(format!("its content hashes to {hash}")));
        }
        artifact.size = found.len();
        Ok(artifact)
    }

    /// Removes every artifact that no registration names and nobody holds, and what was made of it; returns how many files. After
    /// [`super::Registry::load_all`]: before it nothing is known.
    ///
    /// # Errors
    /// When the directory cannot be read or a file not removed.
    pub fn collect(&self) -> Result<usize, StoreError> {
        let dir = self.artifacts_dir();
        // Held throughout: what is pinned later is written later.
        let state = self.state();
        if !state.unread.is_empty() {
            return Ok(0);
        }
        let is_needed =
            |name: &str| state.pins.contains_key(name) || state.saved.values().any(|hash| hash == name);
        let mut removed = self.collect_products(is_needed)?;
        for entry in fs::read_dir(&dir).map_err(StoreError::io("read", &dir))? {
            let entry = entry.map_err(StoreError::io("read", &dir))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // What is not named like an artifact is not ours.
            if is_hash(&name) && !is_needed(&name) {
                self.disk().remove(&entry.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn pin(&self, sha256: &str, size: u64) -> ArtifactRef {
        *self.state().pins.entry(sha256.to_owned()).or_default() += 1;
        ArtifactRef { store: self.clone(), sha256: sha256.to_owned(), size }
    }

    fn artifact_path(&self, sha256: &str) -> PathBuf {
        self.artifacts_dir().join(sha256)
    }
}

/// 64 lower-case hexadecimal digits?
pub(super) fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|c| c.is_ascii_digit() || matches!(c, b'a'..=b'f'))
}

pub(super) fn hash_of(file: &mut File, limit: u64) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    // A file that grows while it is read ends somewhere.
    let mut source = file.take(limit);
    loop {
        match source.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            n => hash.update(&buffer[..n]),
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}
