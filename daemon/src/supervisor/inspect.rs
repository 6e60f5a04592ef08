//! Reads an artifact in a one-shot of its kind's shim, so that the daemon parses nothing of what strangers wrote: it looks at the
//! first bytes, which tell the kind.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use valor_control::engine::Engine;
use valor_control::kind::{HEAD, Kind};
use valor_wire::control::Library;

use super::one_shot::{self, OneShotError};
use super::shims::Shims;

/// What is known of an artifact without running it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Inspection {
    /// What sort of plugin it is, by the daemon's own look.
    #[serde(skip)]
    pub kind: Kind,
    /// Its machine.
    pub arch: String,
    /// Why it cannot be loaded here.
    pub problem: Option<Problem>,
    /// What its author embedded.
    pub manifest: Option<Manifest>,
    /// What it needs beyond what the shim has.
    pub libraries: Vec<Library>,
    /// Those, as they were then.
    #[serde(skip)]
    seen: Vec<Option<Seen>>,
}

/// Which file, and when it was changed last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    device: u64,
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

/// Why an artifact cannot be loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// The failed check.
    pub step: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub cure: String,
}

/// What an author embeds.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Manifest {
    /// The name it suggests.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The ABI it was built for.
    pub abi: u32,
    /// The SDK it was built with.
    pub sdk: String,
    /// What shall run it.
    pub engine: Option<Engine>,
    /// What it wants to reach.
    pub permissions: Permissions,
    /// All of it, as written.
    #[serde(skip)]
    pub json: Value,
}

/// What a plugin wants to reach.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Permissions {
    /// As in `Grants::net`.
    pub net: Vec<String>,
    /// Paths to read.
    pub read: Vec<PathBuf>,
    /// Paths to write.
    pub write: Vec<PathBuf>,
    /// Names of environment variables.
    pub env: Vec<String>,
}

/// Why an artifact could not be inspected.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The one-shot has not ended in time.
    #[error("inspecting the artifact took longer than {0:?}: the file is likely made to be slow to read")]
    Deadline(Duration),
    /// The artifact cannot be read.
    #[error("the artifact cannot be read: {0}")]
    Read(std::io::Error),
    /// The one-shot cannot be started.
    #[error(transparent)]
    Spawn(OneShotError),
    /// It ended with an error.
    #[error("the artifact cannot be inspected: {0}")]
    Failed(String),
    /// Its answer is none.
    #[error(
        "the inspection of the artifact gave no valid answer: {0}; install valord and valor-shim from one release"
    )]
    Answer(String),
}

impl Inspection {
    /// Whether it would say the same again: it has found what it looked for, and that is there as it was.
    pub(super) fn holds(&self) -> bool {
        let here = seen(&self.libraries);
        self.problem.is_none() && here.iter().all(Option::is_some) && here == self.seen
    }
}

fn seen(libraries: &[Library]) -> Vec<Option<Seen>> {
    let look = |library: &Library| {
        let file = std::fs::metadata(&library.path).ok()?;
        let changed = (file.mtime(), file.mtime_nsec());
        Some(Seen { device: file.dev(), inode: file.ino(), bytes: file.len(), changed })
    };
    libraries.iter().map(look).collect()
}

impl From<OneShotError> for InspectError {
    fn from(error: OneShotError) -> Self {
        match error {
            OneShotError::Spawn { .. } | OneShotError::Pipe(_) => Self::Spawn(error),
            OneShotError::Deadline(deadline) => Self::Deadline(deadline),
            OneShotError::Failed(_) | OneShotError::Ended(_) => Self::Failed(error.to_string()),
        }
    }
}

/// Answers are read this far.
const MAX_ANSWER: u64 = 4 << 20;

/// Inspects an artifact, which is open for reading at its start.
///
/// # Errors
/// When the one-shot fails; an artifact that cannot be loaded is no error but [`Inspection::problem`].
pub async fn inspect(shims: &Shims, artifact: &File, deadline: Duration) -> Result<Inspection, InspectError> {
    let kind = kind_of(artifact).map_err(InspectError::Read)?;
    let take = |pipe| one_shot::read(pipe, MAX_ANSWER);
    let answer: Result<_, OneShotError> =
        one_shot::run(shims, kind, "inspect", artifact.as_fd(), deadline, take).await;
    let answer = answer?;
    let inspection = parse(&answer)?;
    Ok(Inspection { kind, seen: seen(&inspection.libraries), ..inspection })
}

/// What an artifact is by its first bytes.
fn kind_of(artifact: &File) -> std::io::Result<Kind> {
    let mut head = [0; HEAD];
    let mut filled = 0;
    while filled < HEAD {
        match artifact.read_at(&mut head[filled..], filled as u64)? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(Kind::of(&head[..filled]))
}

fn parse(answer: &[u8]) -> Result<Inspection, InspectError> {
    let wrong = |error: serde_json::Error| InspectError::Answer(error.to_string());
    let json: Value = serde_json::from_slice(answer).map_err(wrong)?;
    let manifest = json.get("manifest").cloned().unwrap_or_default();
    let mut inspection = Inspection::deserialize(json).map_err(wrong)?;
    if let Some(parsed) = &mut inspection.manifest {
        parsed.json = manifest;
    }
    Ok(inspection)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A one-shot that does what the script says.
    async fn run(script: &str, deadline: Duration) -> Result<Inspection, InspectError> {
        let dir = tempfile::tempdir().unwrap();
        let shim = dir.path().join("shim");
        std::fs::write(&shim, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&shim, std::fs::Permissions::from_mode(0o755)).unwrap();
        // Beside it, for what is read is a text.
        std::fs::rename(&shim, dir.path().join(Kind::Js.shim())).unwrap();
        inspect(&Shims::beside(shim), &File::open("/etc/passwd").unwrap(), deadline).await
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn an_answer_is_read() {
        let json = r#"{"kind":"native","arch":"x86_64","problem":null,"manifest":{"name":"x","version":"1","more":[1]},"new":1}"#;
        let inspection = run(&format!("read line; [ -n \"$line\" ] && echo '{json}'"), LONG).await.unwrap();
        assert_eq!((inspection.kind, &inspection.problem), (Kind::Js, &None));
        let manifest = inspection.manifest.unwrap();
        assert_eq!((&*manifest.name, &manifest.json["more"][0]), ("x", &1.into()));
    }

    #[tokio::test]
    async fn an_inspection_holds_until_a_library_changes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("libx.so");
        std::fs::write(&path, "1").unwrap();
        let json = format!(r#"{{"libraries":[{{"soname":"libx.so","path":{path:?}}}]}}"#);
        let inspection = run(&format!("echo '{json}'"), LONG).await.unwrap();
        assert!(inspection.holds());
        // As packages are upgraded: another file of that name.
        std::fs::write(dir.path().join("new"), "2").unwrap();
        std::fs::rename(dir.path().join("new"), &path).unwrap();
        assert!(!inspection.holds());
        let inspection = run(&format!("echo '{json}'"), LONG).await.unwrap();
        assert!(inspection.holds());
        std::fs::remove_file(&path).unwrap();
        assert!(!inspection.holds());
        let missing = run(r#"echo '{"problem":{"step":"needed"}}'"#, LONG).await.unwrap();
        assert!(!missing.holds(), "it may be there by now");
    }

    #[tokio::test]
    async fn failures_have_names() {
        assert!(
            matches!(run("echo 'valor-shim-js: no luck' >&2; exit 1", LONG).await, Err(InspectError::Failed(m)) if m == "no luck")
        );
        assert!(
            matches!(run("kill -9 $$", LONG).await, Err(InspectError::Failed(m)) if m.contains("signal 9"))
        );
        assert!(matches!(run("echo nonsense", LONG).await, Err(InspectError::Answer(_))));
        assert!(matches!(
            run("head -c 100000000 /dev/zero", LONG).await,
            Err(InspectError::Answer(_) | InspectError::Failed(_))
        ));
        assert!(matches!(
            run("exec sleep 1000", Duration::from_millis(50)).await,
            Err(InspectError::Deadline(_))
        ));
        let nowhere = Shims::beside("/nowhere/valor-shim".into());
        let missing = inspect(&nowhere, &File::open("/etc/passwd").unwrap(), LONG).await;
        let message = missing.unwrap_err().to_string();
        for part in ["/nowhere/valor-shim-js", "of the kind js", "install valor-shim-js"] {
            assert!(message.contains(part), "{message}");
        }
    }
}
