//! What keeps a sandbox from being built at all. A layer that is merely missing is reported instead.

use std::os::fd::RawFd;
use std::path::PathBuf;

use nix::errno::Errno;

/// A step without which the process must not go on.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The daemon asked for something that makes no sense.
    #[error("the setup names {0}: this is a fault of valord, please report it")]
    Setup(String),
    /// Namespaces and forks need a single-threaded process.
    #[error("the shim has more than one thread before the sandbox is built ({0}): start the sandbox first")]
    Threads(Errno),
    /// A descriptor that was handed over is not what it should be.
    #[error("descriptor {fd} {why}: start valor-shim by valord only")]
    Descriptor {
        /// Which.
        fd: RawFd,
        /// What is wrong with it.
        why: String,
    },
    /// A call without a way around it.
    #[error("{step} failed: {errno}: {cure}")]
    Call {
        /// What was tried.
        step: &'static str,
        /// Why it failed.
        errno: Errno,
        /// What to do.
        cure: &'static str,
    },
    /// Something that the plugin needs cannot be brought into its root.
    #[error("{path} cannot be brought into the plugin's root ({what}): {errno}: {cure}", path = path.display())]
    Bind {
        /// The path outside.
        path: PathBuf,
        /// Which step.
        what: &'static str,
        /// Why it failed.
        errno: Errno,
        /// What to do.
        cure: &'static str,
    },
    /// A granted path that would undo the sandbox.
    #[error("the granted path {path} {why}", path = path.display())]
    Grant {
        /// The path.
        path: PathBuf,
        /// Why not.
        why: &'static str,
    },
    /// The library lies where nothing may be executed.
    #[error(
        "{path} lies on a file system that is mounted noexec, so it cannot be loaded: \
         move the state directory, or mount it with exec", path = path.display()
    )]
    NoExec {
        /// The library.
        path: PathBuf,
    },
    /// The process could not give up root.
    #[error("the identity {uid}:{gid} cannot be taken: {errno}: check `plugin_uids` in valord.toml")]
    Identity {
        /// The user.
        uid: u32,
        /// The group.
        gid: u32,
        /// Why it failed.
        errno: Errno,
    },
    /// An engine that is a program of its own, without a root of its own.
    #[error(
        "the plugin's engine is a program of its own, which needs a root file system and a mount namespace: \
         run valord as root, or allow user namespaces, or use the engine quickjs"
    )]
    Engine,
    /// The second seccomp stage.
    #[error("the process could not be sealed: {0}")]
    Seal(String),
}

impl SandboxError {
    /// A call that failed, for `map_err`.
    pub(crate) fn call(step: &'static str, cure: &'static str) -> impl FnOnce(Errno) -> Self {
        move |errno| Self::Call { step, errno, cure }
    }
}
