//! A disk, and whoever watches it.

use std::io;
use std::path::Path;
use std::sync::Arc;

/// The disk of the state directory. Where it is watched, each step waits for the watcher's word, who may refuse it as a bad disk
/// does, or end the process before it.
#[derive(Clone, Default)]
pub struct Disk {
    watcher: Option<Arc<Watcher>>,
}

type Watcher = dyn Fn(Step, &Path) -> io::Result<()> + Send + Sync;

/// What is about to happen to a file or a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A directory is made.
    MakeDir,
    /// A file is made in this directory.
    Create,
    /// Bytes are written to what will have this name.
    Write,
    /// It gets its mode.
    SetMode,
    /// It gets its owner.
    SetOwner,
    /// Its bytes are synced.
    Sync,
    /// It gets this name.
    Rename,
    /// It is removed.
    Remove,
    /// A directory is removed with all that is in it.
    RemoveTree,
    /// The names in this directory are synced.
    SyncDir,
}

impl Disk {
    /// A disk whose steps are watched.
    #[must_use]
    pub fn watched(watcher: impl Fn(Step, &Path) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self { watcher: Some(Arc::new(watcher)) }
    }

    pub(super) fn step(&self, step: Step, path: &Path) -> io::Result<()> {
        self.watcher.as_ref().map_or(Ok(()), |watcher| watcher(step, path))
    }
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk").field("watched", &self.watcher.is_some()).finish()
    }
}
