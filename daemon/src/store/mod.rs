//! What outlives the daemon: registrations, one file each, and artifacts by their hash.
//!
//! ```text
//! DIR/ 0711            artifacts/<sha256> 0444     plugins/<name>.json 0600     data/<name>/ 0700
//!                      products/<artifact>.<engine>.<what>.<sha256> 0444  (made of an artifact, and made anew when it is gone)
//!                      run/root  (where a sandbox mounts its root)              run/lock  (one valord at a time)
//!                      plugins/<name>.gone  (was unregistered; its data is to go)
//!                      plugins/together.journal  (several change as one, and have not all been written)
//! ```
//! Every change is before or after: written beside its place, synced, renamed, and the directory synced; when that fails at the
//! last, it is undone.

mod artifacts;
mod disk;
mod error;
mod layout;
mod name;
mod products;
mod registration;
mod registry;
mod together;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use artifacts::{ArtifactRef, ArtifactWriter};
pub use disk::{Disk, Step};
pub use error::StoreError;
pub use name::{MAX_NAME, check_name, name_of_file};
pub use products::{Product, ProductKey, ProductWriter};
pub use registration::{Registration, Source, VERSION, Web, now_ms};
pub(crate) use registry::read_registration;
pub use registry::{Entry, Registry};

/// The state directory, locked; clones are the same one.
#[derive(Debug, Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    disk: Disk,
    /// Held, not read: the lock ends with it.
    _lock: File,
    state: Mutex<State>,
    /// Held while an artifact is put in its place.
    publishing: Mutex<()>,
}

/// Which artifacts are needed.
#[derive(Debug, Default)]
struct State {
    /// Hashes that somebody works with now, and how many of them.
    pins: HashMap<String, usize>,
    /// Registered names and their hashes.
    saved: HashMap<String, String>,
    /// Entries that could not be read: nobody knows which artifacts they need, so nothing is collected.
    unread: HashSet<String>,
    /// What files must say again before anything else is changed: several were to change together, and could not.
    former: Vec<(PathBuf, String)>,
}

impl State {
    /// What a change of an entry has come to: now it needs this artifact, or none.
    fn note(&mut self, name: &str, result: &Result<(), StoreError>, sha256: Option<&str>) {
        match result {
            Ok(()) => {
                self.unread.remove(name);
                match sha256 {
                    Some(sha256) => drop(self.saved.insert(name.to_owned(), sha256.to_owned())),
                    None => drop(self.saved.remove(name)),
                }
            }
            Err(StoreError::Undecided { .. }) => drop(self.unread.insert(name.to_owned())),
            Err(_) => {}
        }
    }
}

impl Store {
    /// Opens a state directory, making what is missing.
    ///
    /// # Errors
    /// When it cannot be made or written, belongs to another user, or another valord has it.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_on(Disk::default(), dir)
    }

    /// The same, on this disk.
    ///
    /// # Errors
    /// The same.
    pub fn open_on(disk: Disk, dir: &Path) -> Result<Self, StoreError> {
        let lock = layout::prepare(&disk, dir)?;
        let dir = dir.canonicalize().map_err(StoreError::io("open the state directory", dir))?;
        let store = Self {
            shared: Arc::new(Shared {
                dir,
                disk,
                _lock: lock,
                state: Mutex::default(),
                publishing: Mutex::default(),
            }),
        };
        store.disk().sweep(&store.artifacts_dir())?;
        store.disk().sweep(&store.products_dir())?;
        store.disk().sweep(&store.plugins_dir())?;
        store.finish_together()?;
        store.finish_removals()?;
        store.sweep_data()?;
        Ok(store)
    }

    /// Removes the data directories of registrations that were never finished; what was written to one stays.
    fn sweep_data(&self) -> Result<(), StoreError> {
        let dir = self.shared.dir.join("data");
        for entry in std::fs::read_dir(&dir).map_err(StoreError::io("read", &dir))? {
            let entry = entry.map_err(StoreError::io("read", &dir))?;
            let mut file = entry.file_name();
            file.push(".json");
            if self.plugins_dir().join(file).symlink_metadata().is_err() {
                self.disk().remove_empty(&entry.path());
            }
        }
        Ok(())
    }

    /// The directory, absolute.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// An empty directory over which each sandbox mounts its root.
    #[must_use]
    pub fn sandbox_root(&self) -> PathBuf {
        self.shared.dir.join("run/root")
    }

    /// A plugin's own files; see [`Store::make_data_dir`].
    #[must_use]
    pub fn data_dir(&self, name: &str) -> PathBuf {
        self.shared.dir.join("data").join(name)
    }

    /// Makes a plugin's `/data`, kept from start to start, 0700 and owned by `owner` where one is given (needs root). Says
    /// whether it was not there before.
    ///
    /// # Errors
    /// When the directory cannot be made or given away.
    pub fn make_data_dir(
        &self,
        name: &str,
        owner: Option<(u32, u32)>,
    ) -> Result<(PathBuf, bool), StoreError> {
        // Of a plugin that had this name before, nothing is left.
        self.finish_removal(name)?;
        let dir = self.data_dir(name);
        let made = !dir.exists();
        let make = || {
            layout::private_dir(self.disk(), &dir, 0o700)?;
            let Some(owner) = owner else { return Ok(()) };
            let given = self.disk().set_owner(&dir, owner);
            given.map_err(StoreError::io("give the data directory to the plugin's uid", &dir))
        };
        match make() {
            Ok(()) => Ok((dir, made)),
            Err(error) => {
                if made {
                    self.disk().remove_empty(&dir);
                }
                Err(error)
            }
        }
    }

    /// Removes a plugin's `/data` with everything in it; nothing to remove is fine. What cannot be removed is tried again at the
    /// next start.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn remove_data_dir(&self, name: &str) -> Result<(), StoreError> {
        // A failed entry may have a name that no plugin has, and no data.
        if check_name(name).is_ok() {
            self.disk().remove_tree(&self.data_dir(name))?;
        }
        self.disk().remove(&self.tombstone_of(name))
    }

    fn disk(&self) -> &Disk {
        &self.shared.disk
    }

    fn artifacts_dir(&self) -> PathBuf {
        self.shared.dir.join("artifacts")
    }

    fn products_dir(&self) -> PathBuf {
        self.shared.dir.join("products")
    }

    fn plugins_dir(&self) -> PathBuf {
        self.shared.dir.join("plugins")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
