//! Deno, the engine of JavaScript plugins that ask for it: found, and read in a one-shot without running it.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::Mutex;
use valor_control::kind::Kind;
use valor_wire::control::{Engine, Library};

use super::inspect::Problem;
use super::one_shot::{self, OneShotError};
use super::options::Options;
use super::shims::Shims;

/// What it is called on `PATH`.
const NAME: &str = "deno";
const ELF: &[u8] = b"\x7fELF";
/// What the one-shot answers is not longer.
const MAX_ANSWER: u64 = 1 << 20;

/// Where it is, and what is known of it.
#[derive(Debug)]
pub(super) struct Deno {
    configured: Option<PathBuf>,
    shims: Shims,
    deadline: Duration,
    /// The one that was read last: a file of 100 MB is not read with every start.
    known: Mutex<Option<(Identity, Engine)>>,
}

/// Tells one file from another, and from what it was before.
type Identity = (PathBuf, u64, u64, i64, i64, u64);

/// Why it cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum DenoError {
    #[error("the plugin asks for the engine deno, and there is no `deno` on the PATH of valord")]
    Missing,
    #[error("the plugin asks for the engine deno, and {path} cannot be read: {error}", path = path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("the plugin asks for the engine deno, and {path} is a script, not Deno itself", path = path.display())]
    Script { path: PathBuf },
    #[error("the plugin asks for the engine deno, and plugins' users may not execute {path}", path = path.display())]
    Closed { path: PathBuf },
    #[error("the plugin asks for the engine deno, and {path} cannot be used: {message}", path = path.display())]
    Problem { path: PathBuf, message: String, cure: String },
    #[error("{path} cannot be inspected: {error}", path = path.display())]
    Inspect { path: PathBuf, error: OneShotError },
}

impl DenoError {
    /// What to do.
    pub(super) fn cure(&self) -> String {
        let others = "or register it with --engine quickjs";
        match self {
            Self::Missing => {
                format!("install Deno, or name it by `deno = \"/path/of/deno\"` in valord.toml, {others}")
            }
            Self::Read { .. } => format!("correct `deno` in valord.toml, {others}"),
            Self::Script { .. } => format!(
                "npm's and others' `deno` start the program itself: name that by `deno = \"/path/of/deno\"` in valord.toml, {others}"
            ),
            Self::Closed { path } => format!("chmod 755 {}, {others}", path.display()),
            Self::Problem { cure, .. } => format!("{cure}, {others}"),
            Self::Inspect { .. } => "install valord and valor-shim-js from one release".to_owned(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    problem: Option<Problem>,
    libraries: Vec<Library>,
}

impl Deno {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            configured: options.deno.clone(),
            shims: options.shims.clone(),
            deadline: options.inspect_deadline,
            known: Mutex::default(),
        }
    }

    /// The program and the libraries that it needs.
    pub(super) async fn find(&self) -> Result<Engine, DenoError> {
        let path = self.path()?;
        let read = |error| DenoError::Read { path: path.clone(), error };
        let file = File::open(&path).map_err(read)?;
        let metadata = file.metadata().map_err(read)?;
        if metadata.permissions().mode() & 0o005 != 0o005 {
            return Err(DenoError::Closed { path });
        }
        let identity = identity(&path, &metadata);
        let mut known = self.known.lock().await;
        if let Some((of, engine)) = &*known
            && *of == identity
        {
            return Ok(engine.clone());
        }
        let engine = self.inspect(path, &file).await?;
        *known = Some((identity, engine.clone()));
        Ok(engine)
    }

    /// The configured one, or the first on `PATH` that is no script.
    fn path(&self) -> Result<PathBuf, DenoError> {
        if let Some(path) = &self.configured {
            let head = head(path).map_err(|error| DenoError::Read { path: path.clone(), error })?;
            return if head == ELF {
                Ok(path.clone())
            } else {
                Err(DenoError::Script { path: path.clone() })
            };
        }
        let mut script = None;
        for directory in std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()) {
            let path = directory.join(NAME);
            match head(&path) {
                Ok(head) if head == ELF && path.is_absolute() => return Ok(path),
                Ok(_) => drop(script.get_or_insert(path)),
                Err(_) => {}
            }
        }
        Err(script.map_or(DenoError::Missing, |path| DenoError::Script { path }))
    }

    async fn inspect(&self, path: PathBuf, file: &File) -> Result<Engine, DenoError> {
        let take = |pipe| one_shot::read(pipe, MAX_ANSWER);
        let answer = one_shot::run(&self.shims, Kind::Js, "engine", file.as_fd(), self.deadline, take).await;
        let answer = answer.map_err(|error| DenoError::Inspect { path: path.clone(), error })?;
        let no_answer =
            |error: serde_json::Error| OneShotError::Failed(format!("it gave no valid answer: {error}"));
        let Answer { problem, libraries } = serde_json::from_slice(&answer)
            .map_err(|error| DenoError::Inspect { path: path.clone(), error: no_answer(error) })?;
        match problem {
            Some(Problem { message, cure, .. }) => Err(DenoError::Problem { path, message, cure }),
            None => Ok(Engine { program: path, libraries }),
        }
    }
}

/// The first bytes.
fn head(path: &Path) -> io::Result<[u8; 4]> {
    use std::os::unix::fs::FileExt as _;
    let mut head = [0; 4];
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // Whatever is shorter is no program.
    let _read = file.read_at(&mut head, 0)?;
    Ok(head)
}

fn identity(path: &Path, metadata: &Metadata) -> Identity {
    let m = metadata;
    (path.to_owned(), m.dev(), m.ino(), m.mtime(), m.mtime_nsec(), m.len())
}
