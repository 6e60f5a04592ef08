//! What outlives the daemon: registrations, one file each, and artifacts by their hash.
//!
//! ```text
//! DIR/ 0711            artifacts/<sha256> 0444     plugins/<name>.json 0600     data/<name>/ 0700
//!                      run/root  (where a sandbox mounts its root)              run/lock  (one valord at a time)
//! ```
//! Every change is before or after: written beside its place, synced, renamed, and the directory synced.

mod artifacts;
mod disk;
mod error;
mod layout;
mod name;
mod registration;
mod registry;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use artifacts::{ArtifactRef, ArtifactWriter};
pub use error::StoreError;
pub use name::{MAX_NAME, check_name, name_of_file};
pub use registration::{Registration, Source, VERSION, now_ms};
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
}

impl Store {
    /// Opens a state directory, making what is missing.
    ///
    /// # Errors
    /// When it cannot be made or written, belongs to another user, or another valord has it.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let lock = layout::prepare(dir)?;
        let dir = dir.canonicalize().map_err(StoreError::io("open the state directory", dir))?;
        let store = Self {
            shared: Arc::new(Shared {
                dir,
                _lock: lock,
                state: Mutex::default(),
                publishing: Mutex::default(),
            }),
        };
        disk::sweep(&store.artifacts_dir())?;
        disk::sweep(&store.plugins_dir())?;
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
                // Fails, as it should, where there is something in it.
                let _removed = std::fs::remove_dir(entry.path());
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
        let dir = self.data_dir(name);
        let made = !dir.exists();
        layout::private_dir(&dir, 0o700)?;
        if let Some((uid, gid)) = owner {
            std::os::unix::fs::chown(&dir, Some(uid), Some(gid))
                .map_err(StoreError::io("give the data directory to the plugin's uid", &dir))?;
        }
        Ok((dir, made))
    }

    /// Removes a plugin's `/data` with everything in it; nothing to remove is fine.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn remove_data_dir(&self, name: &str) -> Result<(), StoreError> {
        let dir = self.data_dir(name);
        match std::fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::io("remove the data directory", &dir)(error))
            }
            _ => Ok(()),
        }
    }

    fn artifacts_dir(&self) -> PathBuf {
        self.shared.dir.join("artifacts")
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
