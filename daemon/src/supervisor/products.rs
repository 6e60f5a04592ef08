//! Has made of artifacts what a plugin is started from, in a one-shot of its kind's shim, once, whoever asks for it.
//!
//! The store keeps what comes of it by the artifact's hash and the engine's key: the line that `valor-shim-KIND engine` prints, which is
//! all that decides whether it may be used. Only a file that valord has written, and whose hash is right, is ever handed to a process.

use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::Semaphore;
use valor_control::kind::Kind;

use super::one_shot::{self, OneShotError};
use super::options::Options;
use super::shims::Shims;
use crate::store::{ArtifactRef, Product, ProductKey, ProductWriter, Store, StoreError};
use crate::sys::spawn::null;

/// An engine's key is a line; what is longer is none.
const MAX_KEY: u64 = 4096;

/// So much of an answer is written at once.
const PIECE: usize = 256 << 10;

/// Why there is no product.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProductError {
    /// The one-shot has made none of it.
    #[error(transparent)]
    Make(#[from] OneShotError),
    /// Which engine there is cannot be told.
    #[error("the key of {0} cannot be had: {reason}; install valord and {0} from one release", .kind.shim())]
    Engine {
        /// Whose.
        kind: Kind,
        /// Why not.
        reason: String,
    },
    /// It cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Work on the disk broke.
    #[error("a defect of valord: {0}; look at its log, and report it")]
    Broke(String),
}

/// One for the whole daemon.
#[derive(Debug)]
pub(super) struct Products {
    store: Store,
    shims: Shims,
    /// For one product.
    deadline: Duration,
    /// For what takes no time.
    glance: Duration,
    /// Work that is done at once: it takes a core each.
    places: Semaphore,
    /// The keys of the shims, and which files said so: an upgrade may come under a daemon that runs.
    engines: Mutex<HashMap<PathBuf, (Stamp, String)>>,
    /// Held by those who make one just now.
    making: Mutex<HashMap<ProductKey, Weak<tokio::sync::Mutex<()>>>>,
}

/// Which file has a name: device, inode, size, and its last change.
type Stamp = (u64, u64, u64, i64, i64);

impl Products {
    pub(super) fn new(options: &Options, store: Store) -> Self {
        Self {
            store,
            shims: options.shims.clone(),
            deadline: options.compile_deadline,
            glance: options.inspect_deadline,
            places: Semaphore::new(options.parallel_compiles.max(1)),
            engines: Mutex::default(),
            making: Mutex::default(),
        }
    }

    /// Where the product is, whole; it is made where it is not there, after `begin` was called. Dropped, the work is given up: one
    /// of those who wait for the same takes it over.
    pub(super) async fn get(
        &self,
        kind: Kind,
        artifact: &ArtifactRef,
        product: Product,
        begin: impl FnOnce(),
    ) -> Result<PathBuf, ProductError> {
        let engine = self.engine(kind).await?;
        let key = ProductKey::new(artifact, &engine, product);
        let maker = self.maker(&key);
        let _alone = maker.lock().await;
        if let Some(path) = self.stored(&key).await? {
            return Ok(path);
        }
        begin();
        // Never closed.
        let _place = self.places.acquire().await;
        let input = artifact.open()?;
        let take = |pipe| receive(pipe, self.store.clone(), key.clone());
        let verb = verb(product);
        let written = one_shot::run(&self.shims, kind, verb, input.as_fd(), self.deadline, take).await?;
        // It must be there as long as this takes, whether or not somebody still waits for it.
        let held = artifact.clone();
        let finish = move || {
            let _held = held;
            written.finish()
        };
        blocking(finish).await
    }

    /// All that decides, besides the artifact, what comes of it.
    async fn engine(&self, kind: Kind) -> Result<String, ProductError> {
        let shim = self.shims.of(kind);
        let failed = |reason: String| ProductError::Engine { kind, reason };
        let spawn = |source| {
            ProductError::Make(OneShotError::Spawn { verb: "compile", kind, shim: shim.clone(), source })
        };
        let stamp = stamp(&shim).map_err(spawn)?;
        let known = self.engines.lock().unwrap_or_else(PoisonError::into_inner).get(&shim).cloned();
        if let Some((_, key)) = known.filter(|(found, _)| *found == stamp) {
            return Ok(key);
        }
        let null = null().map_err(spawn)?;
        let take = |pipe| one_shot::read(pipe, MAX_KEY + 1);
        let said: Result<_, OneShotError> =
            one_shot::run(&self.shims, kind, "engine", null.as_fd(), self.glance, take).await;
        let key = parse_key(&said.map_err(|error| failed(error.to_string()))?).map_err(failed)?;
        let (store, engine) = (self.store.clone(), key.clone());
        if let Err(error) = blocking(move || store.forget_other_engines(&engine)).await {
            // They are in nobody's way.
            tracing::warn!(%error, "cannot remove what other engines have made");
        }
        self.engines.lock().unwrap_or_else(PoisonError::into_inner).insert(shim, (stamp, key.clone()));
        Ok(key)
    }

    async fn stored(&self, key: &ProductKey) -> Result<Option<PathBuf>, ProductError> {
        let (store, key) = (self.store.clone(), key.clone());
        blocking(move || store.product(&key)).await
    }

    /// Whoever holds it makes this one.
    fn maker(&self, key: &ProductKey) -> Arc<tokio::sync::Mutex<()>> {
        let mut making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        making.retain(|_, maker| maker.strong_count() > 0);
        if let Some(maker) = making.get(key).and_then(Weak::upgrade) {
            return maker;
        }
        let maker = Arc::default();
        making.insert(key.clone(), Arc::downgrade(&maker));
        maker
    }
}

/// What the one-shot is told to do.
fn verb(product: Product) -> &'static str {
    match product {
        Product::Compiled => "compile",
        Product::Transpiled => "transpile",
    }
}

/// Writes an answer as it comes.
async fn receive(mut pipe: Receiver, store: Store, key: ProductKey) -> Result<ProductWriter, ProductError> {
    let mut writer = blocking(move || store.write_product(&key)).await?;
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        // Pipes come in small parts, and each write is a step on the disk.
        while piece.len() < PIECE && pipe.read_buf(&mut piece).await.map_err(OneShotError::Pipe)? > 0 {}
        if piece.is_empty() {
            return Ok(writer);
        }
        writer = blocking(move || writer.write(&piece).map(|()| writer)).await?;
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ProductError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        Err(error) => Err(ProductError::Broke(error.to_string())),
    }
}

fn parse_key(said: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(said).unwrap_or_default().trim_end();
    match text {
        "" => Err("it says none".to_owned()),
        _ if said.len() as u64 > MAX_KEY => Err(format!("it has more than {MAX_KEY} bytes")),
        _ if text.chars().any(char::is_control) => Err("it is more than a line".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let found = std::fs::metadata(path)?;
    Ok((found.dev(), found.ino(), found.size(), found.mtime(), found.mtime_nsec()))
}

#[cfg(test)]
mod tests;
