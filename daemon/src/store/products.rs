//! What was made of artifacts, such as their compiled form: kept beside them, and made anew where it is missing or damaged.
//!
//! A file's name says all of it, each hash a SHA-256 in hexadecimal: `<artifact>.<engine>.<what it is>.<its own>`. Whoever uses one
//! trusts it, so it is hashed again each time, as an artifact is.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::artifacts::{hash_of, hex, is_hash};
use super::disk::Former;
use super::{ArtifactRef, Store, StoreError};

/// What can be made of an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Product {
    /// The machine's own code, as the engine wants it.
    Compiled,
    /// A component as files for browsers: `valor_wire::files`.
    Transpiled,
}

impl Product {
    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Compiled => "compiled",
            Self::Transpiled => "transpiled",
        }
    }

    /// Larger ones are not kept, in bytes.
    #[must_use]
    pub const fn limit(self) -> u64 {
        match self {
            // The largest artifacts that a compiler gets through in its time come to less.
            Self::Compiled => 1 << 30,
            // They are kept in memory, to be served.
            Self::Transpiled => 64 << 20,
        }
    }
}

/// What was made of which artifact, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProductKey {
    artifact: String,
    engine: String,
    product: Product,
}

impl ProductKey {
    /// `engine` is everything besides the artifact that decides what comes of it: program, settings, machine.
    #[must_use]
    pub fn new(artifact: &ArtifactRef, engine: &str, product: Product) -> Self {
        let artifact = artifact.sha256().to_owned();
        Self { artifact, engine: hex(&Sha256::digest(engine)), product }
    }

    fn file(&self, own: &str) -> String {
        let Self { artifact, engine, product } = self;
        format!("{artifact}.{engine}.{}.{own}", product.as_str())
    }
}

/// The parts of a file's name.
struct Name<'a> {
    artifact: &'a str,
    engine: &'a str,
    product: &'a str,
    own: &'a str,
}

impl<'a> Name<'a> {
    fn parse(name: &'a str) -> Option<Self> {
        let mut parts = name.split('.');
        let mut next = || parts.next();
        let (artifact, engine, product, own) = (next()?, next()?, next()?, next()?);
        let hashes = [artifact, engine, own].into_iter().all(is_hash);
        (hashes && next().is_none()).then_some(Self { artifact, engine, product, own })
    }

    fn is_of(&self, key: &ProductKey) -> bool {
        (self.artifact, self.engine, self.product) == (&*key.artifact, &*key.engine, key.product.as_str())
    }
}

/// Takes a product in, piece by piece; what is dropped unfinished leaves nothing behind.
pub struct ProductWriter {
    store: Store,
    key: ProductKey,
    file: NamedTempFile,
    hash: Sha256,
    left: u64,
}

impl ProductWriter {
    /// Adds the next piece.
    ///
    /// # Errors
    /// When it is too much, or cannot be written.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), StoreError> {
        let limit = self.key.product.limit();
        let too_much = || StoreError::Product(format!("it has more than {limit} bytes"));
        self.left = self.left.checked_sub(piece.len() as u64).ok_or_else(too_much)?;
        let dir = self.store.products_dir();
        let written = self.store.disk().append(self.file.as_file(), piece, &dir);
        written.map_err(StoreError::io("write to", &dir))?;
        self.hash.update(piece);
        Ok(())
    }

    /// Puts it in its place, and says where that is.
    ///
    /// # Errors
    /// When it is empty, or cannot be kept.
    pub fn finish(self) -> Result<PathBuf, StoreError> {
        if self.left == self.key.product.limit() {
            return Err(StoreError::Product("it is empty".to_owned()));
        }
        let path = self.store.products_dir().join(self.key.file(&hex(&self.hash.finalize())));
        self.store.disk().publish(self.file, 0o444, &path, Former::Nothing)?;
        Ok(path)
    }
}

impl fmt::Debug for ProductWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProductWriter").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Store {
    /// Where a product is, if it is whole; one that is not is removed. It stays as long as its artifact is held or registered.
    ///
    /// # Errors
    /// When the directory cannot be read, or what is damaged not removed.
    pub fn product(&self, key: &ProductKey) -> Result<Option<PathBuf>, StoreError> {
        for (name, path) in self.products()? {
            let Some(parsed) = Name::parse(&name).filter(|parsed| parsed.is_of(key)) else { continue };
            match hash_at(&path, key.product.limit()) {
                Ok(hash) if hash == parsed.own => return Ok(Some(path)),
                Ok(_) => tracing::warn!(path = %path.display(), "is damaged, and made anew"),
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "cannot be read, and is made anew");
                }
            }
            self.disk().remove(&path)?;
        }
        Ok(None)
    }

    /// Begins to take in a product; the artifact must be held until it is finished.
    ///
    /// # Errors
    /// When no file can be made.
    pub fn write_product(&self, key: &ProductKey) -> Result<ProductWriter, StoreError> {
        let file = self.disk().begin(&self.products_dir())?;
        let (store, key, left) = (self.clone(), key.clone(), key.product.limit());
        Ok(ProductWriter { store, key, file, hash: Sha256::new(), left })
    }

    /// Removes what other engines have made; returns how many.
    ///
    /// # Errors
    /// When the directory cannot be read or a file not removed.
    pub fn forget_other_engines(&self, engine: &str) -> Result<usize, StoreError> {
        let engine = hex(&Sha256::digest(engine));
        self.remove_products(|name| name.engine != engine)
    }

    /// Removes what was made of artifacts that are gone.
    pub(super) fn collect_products(&self, is_needed: impl Fn(&str) -> bool) -> Result<usize, StoreError> {
        self.remove_products(|name| !is_needed(name.artifact))
    }

    fn remove_products(&self, is_to_go: impl Fn(&Name<'_>) -> bool) -> Result<usize, StoreError> {
        let mut removed = 0;
        for (name, path) in self.products()? {
            // What is not named like a product is not ours.
            if Name::parse(&name).is_some_and(|name| is_to_go(&name)) {
                self.disk().remove(&path)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn products(&self) -> Result<Vec<(String, PathBuf)>, StoreError> {
        let dir = self.products_dir();
        let mut found = Vec::new();
        for entry in fs::read_dir(&dir).map_err(StoreError::io("read", &dir))? {
            let entry = entry.map_err(StoreError::io("read", &dir))?;
            found.extend(entry.file_name().into_string().map(|name| (name, entry.path())));
        }
        Ok(found)
    }
}

fn hash_at(path: &Path, limit: u64) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let found = file.metadata()?;
    if !found.is_file() || found.len() > limit {
        return Err(std::io::Error::other("it is no such file"));
    }
    hash_of(&mut file, found.len())
}
