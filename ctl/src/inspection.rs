//! What a plugin file says of itself without being run: asked of its kind's shim, a sandboxed one-shot.

use std::fs::File;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;
use valor_control::MAX_ARTIFACT;
use valor_control::kind::{HEAD, Kind};

use crate::exit::{Exit, Failure};
use crate::view::Grants;

/// A manifest is small; what is longer is no inspection.
const MAX_OUTPUT: u64 = 4 * 1024 * 1024;
const DEADLINE: Duration = Duration::from_secs(30);

/// Where the shims are when they do not lie beside this program.
const LIBEXEC: &str = "/usr/libexec/valor";

/// The report of `valor-shim inspect`; fields of later versions are passed over.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Inspection {
    pub(crate) kind: String,
    pub(crate) arch: String,
    pub(crate) problem: Option<Problem>,
    pub(crate) manifest: Option<serde_json::Value>,
    pub(crate) libraries: Vec<Library>,
}

/// Why the library cannot be loaded here.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Problem {
    pub(crate) step: String,
    pub(crate) message: String,
    pub(crate) cure: String,
}

/// A library that it needs.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Library {
    pub(crate) soname: String,
    pub(crate) path: String,
}

impl Inspection {
    /// A text of the manifest, empty without one.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.manifest.as_ref().and_then(|m| m.get(key)?.as_str()).unwrap_or_default()
    }

    /// What the manifest asks for.
    pub(crate) fn wanted(&self) -> Grants {
        let list = |key: &str| -> Vec<String> {
            let items = self.manifest.as_ref().and_then(|m| m.get("permissions")?.get(key)?.as_array());
            items.into_iter().flatten().filter_map(|item| Some(item.as_str()?.to_owned())).collect()
        };
        Grants { net: list("net"), read: list("read"), write: list("write"), env: list("env") }
    }
}

/// The shim of this file: the one that was named, else its kind's beside this program, else where packages put it.
pub(crate) fn find_shim(named: Option<&Path>, file: &File) -> Result<PathBuf, Failure> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    let kind =
        kind_of(file).map_err(|error| Failure::new(Exit::Failed, format!("read the file: {error}")))?;
    let name = kind.shim();
    let beside = std::env::current_exe().ok().map(|exe| exe.with_file_name(name));
    let candidates: Vec<PathBuf> = beside.into_iter().chain([Path::new(LIBEXEC).join(name)]).collect();
    if let Some(found) = candidates.iter().find(|path| path.is_file()) {
        return Ok(found.clone());
    }
    let failure = Failure::new(
        Exit::Failed,
        format!("inspect: the file is of the kind {kind}, and {name} is not installed"),
    );
    Err(candidates
        .iter()
        .fold(failure, |failure, path| failure.detail(format!("tried {}", path.display())))
        .cure("say where it is with --shim"))
}

/// What a file is by its first bytes.
pub(crate) fn kind_of(file: &File) -> std::io::Result<Kind> {
    let mut head = [0; HEAD];
    let filled = file.read_at(&mut head, 0)?;
    Ok(Kind::of(&head[..filled]))
}

/// Opens a plugin file, with the exit codes of a file that is not there.
pub(crate) fn open(path: &Path) -> Result<File, Failure> {
    let failed = |error: &std::io::Error| {
        let exit = match error.kind() {
            std::io::ErrorKind::NotFound => Exit::NotFound,
            _ => Exit::Failed,
        };
        Failure::new(exit, format!("read {}: {error}", path.display()))
    };
    // A pipe that nobody writes to must not hold us up.
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file =
        File::options().read(true).custom_flags(nonblocking).open(path).map_err(|error| failed(&error))?;
    let found = file.metadata().map_err(|error| failed(&error))?;
    if found.len() > MAX_ARTIFACT {
        let message = format!("read {}: {} bytes are more than {MAX_ARTIFACT}", path.display(), found.len());
        return Err(Failure::new(Exit::Usage, message).cure("strip the library of its debug information"));
    }
    if !found.is_file() {
        return Err(Failure::new(Exit::Usage, format!("read {}: not a regular file", path.display()))
            .cure("name the library itself, for example target/release/libhello.so"));
    }
    Ok(file)
}

/// Runs the one-shot over an open file.
pub(crate) async fn inspect(shim: &Path, file: File) -> Result<Inspection, Failure> {
    let failed = |what: String| Failure::new(Exit::Failed, format!("inspect: {what}"));
    let name = shim.file_name().unwrap_or_default().display();
    #[expect(clippy::disallowed_methods, reason = "the one process that valorctl starts")]
    let mut command = std::process::Command::new(shim);
    command.arg("inspect").env_clear().stdin(file).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn().map_err(|error| {
        failed(format!("start {}: {error}", shim.display())).cure("say where the shim is with --shim")
    })?;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let run = async {
        let read_out = async {
            match stdout {
                Some(pipe) => pipe.take(MAX_OUTPUT).read_to_end(&mut out).await,
                None => Ok(0),
            }
        };
        let read_err = async {
            match stderr {
                Some(pipe) => pipe.take(MAX_OUTPUT).read_to_end(&mut err).await,
                None => Ok(0),
            }
        };
        tokio::try_join!(read_out, read_err)?;
        child.wait().await
    };
    let status = match tokio::time::timeout(DEADLINE, run).await {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => return Err(failed(error.to_string())),
        Err(_) => {
            return Err(Failure::new(Exit::TimedOut, format!("inspect: {name} is silent for {DEADLINE:?}")));
        }
    };
    if !status.success() {
        let said = String::from_utf8_lossy(&err);
        let said = said.trim().trim_start_matches("error: ");
        return Err(failed(if said.is_empty() {
            format!("{name} ended with {status}")
        } else {
            said.to_owned()
        }));
    }
    serde_json::from_slice(&out).map_err(|error| {
        failed(format!("the report of {name} is no JSON: {error}"))
            .cure(format!("install valorctl and {name} from one release"))
    })
}
