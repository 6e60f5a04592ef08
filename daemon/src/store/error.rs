//! What can go wrong with the state directory.

use std::io;
use std::path::{Path, PathBuf};

/// Names the step and the file; [`StoreError::cure`] says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refused.
    #[error("cannot {step} {}: {source}; {}", path.display(), cure_of(source))]
    Io {
        /// What was tried.
        step: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A change could neither be made sure nor taken back.
    #[error("{error}; and {} cannot be put back as it was: {undo}: restart valord when the disk is well, and look at what it shows then", path.display())]
    Undecided {
        /// What was to be changed.
        path: PathBuf,
        /// Why it is not sure.
        error: Box<Self>,
        /// Why it is not undone.
        undo: io::Error,
    },
    /// Another valord has the lock.
    #[error("another valord{} uses the state directory {}: stop it, or give this one its own --state-dir", pid_of(*pid), dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
        /// Who, where known.
        pid: Option<u32>,
    },
    /// Somebody else could change what is trusted.
    #[error("the state directory is not safe: {} {problem}; {cure}", path.display())]
    Unsafe {
        /// The offending directory.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
        /// What to do.
        cure: &'static str,
    },
    /// The name is none.
    #[error("the plugin name {name:?} is not allowed: {reason}")]
    Name {
        /// As given.
        name: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// The bytes are not what was announced.
    #[error("the artifact is not what was announced: {0}; send the file again")]
    Mismatch(String),
    /// The stored bytes have changed.
    #[error("the stored artifact {sha256} is damaged ({found}); register the plugin again from its file")]
    Damaged {
        /// The name of the file.
        sha256: String,
        /// What was found instead.
        found: String,
    },
    /// What was made of an artifact cannot be kept.
    #[error("what was made of the artifact cannot be kept: {0}")]
    Product(String),
    /// A registration cannot be written as JSON.
    #[error("cannot write the registration of {name}: {source}")]
    Encode {
        /// Whose.
        name: String,
        /// Why.
        source: serde_json::Error,
    },
}

impl StoreError {
    /// Adds the step and the file to what the system said.
    pub(crate) fn io<'a>(step: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { step, path: path.to_owned(), source }
    }

    /// There is no room for it, and all is as it was.
    #[must_use]
    pub fn is_full(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self, Self::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded))
    }

    /// The failed step, in a word.
    #[must_use]
    pub fn step(&self) -> &'static str {
        match self {
            Self::Mismatch(_) => "upload",
            Self::Damaged { .. } => "artifact",
            Self::Name { .. } => "name",
            Self::Product(_) => "product",
            _ => "store",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn cure(&self) -> &'static str {
        match self {
            Self::Io { source, .. } => cure_of(source),
            Self::Undecided { .. } => "restart valord when the disk is well, and look at what it shows then",
            Self::Locked { .. } => "stop the other valord, or give this one its own --state-dir",
            Self::Unsafe { cure, .. } => cure,
            Self::Name { .. } => "choose another name with --name",
            Self::Mismatch(_) => "send the file again",
            Self::Damaged { .. } => "register the plugin again from its file",
            Self::Product(_) => "make the plugin smaller",
            Self::Encode { .. } => "report this as a bug",
        }
    }
}

fn cure_of(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "run valord as the owner of the state directory, or choose another with --state-dir"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "the file system is read-only: choose another place with --state-dir"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk or the quota is full: free some space and try again"
        }
        io::ErrorKind::FileTooLarge => {
            "valord may not write files of this size: raise its limit (LimitFSIZE= of the unit, ulimit -f)"
        }
        io::ErrorKind::NotFound => "check that the state directory still exists",
        io::ErrorKind::IsADirectory => "a directory has this name: move it away",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "something else has this name: choose another --state-dir"
        }
        _ => "look at the disk and the permissions of the state directory",
    }
}

fn pid_of(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
}
