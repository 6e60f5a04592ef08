//! Runs a verb of a shim in a process of its own: it reads standard input, confined, and answers on standard output.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;
use valor_control::kind::Kind;

use super::shims::Shims;
use crate::sys::process::{Child, Exit};
use crate::sys::spawn::{Spec, spawn};

/// Messages are read this far.
const MAX_MESSAGE: u64 = 16 << 10;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum OneShotError {
    /// It cannot be started.
    #[error(
        "cannot start {} to {verb} the artifact, which is of the kind {kind}: {source}; install {} beside valord, or name the \
         directory of both with --shim", shim.display(), kind.shim()
    )]
    Spawn {
        /// What it was to do.
        verb: &'static str,
        /// What sort of plugin the artifact is.
        kind: Kind,
        /// The program.
        shim: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Its answer cannot be read.
    #[error("its answer cannot be read: {0}")]
    Pipe(#[from] io::Error),
    /// It has not ended in time.
    #[error("it took longer than {0:?}")]
    Deadline(Duration),
    /// It ended with an error: its own words.
    #[error("{0}")]
    Failed(String),
    /// It was killed, or ended without a word.
    #[error("it ended with {0}")]
    Ended(Exit),
}

/// Runs the verb over `input`, and hands its answer to `take`; when that fails, so does this, at once. Dropped, the process is
/// killed and reaped.
pub(super) async fn run<T, E, F>(
    shims: &Shims,
    kind: Kind,
    verb: &'static str,
    input: BorrowedFd<'_>,
    deadline: Duration,
    take: impl FnOnce(Receiver) -> F,
) -> Result<T, E>
where
    E: From<OneShotError>,
    F: Future<Output = Result<T, E>>,
{
    let shim = shims.of(kind);
    let failed = |source| OneShotError::Spawn { verb, kind, shim: shim.clone(), source };
    let (mut child, answer, message) = start(&shim, verb, input).map_err(failed)?;
    let work = async {
        let message = async { Ok(read(message, MAX_MESSAGE).await?) };
        let (answer, message) = tokio::try_join!(take(answer), message)?;
        Ok::<_, E>((answer, message, child.wait().await))
    };
    let (answer, message, exit) =
        tokio::time::timeout(deadline, work).await.map_err(|_| OneShotError::Deadline(deadline))??;
    if exit == Exit::Code(0) {
        return Ok(answer);
    }
    let message = String::from_utf8_lossy(&message);
    let said = message.trim().strip_prefix(kind.shim()).and_then(|rest| rest.strip_prefix(": "));
    Err(match said.unwrap_or(message.trim()) {
        // The last words of one that was killed are not why.
        said if said.is_empty() || matches!(exit, Exit::Signal(_)) => OneShotError::Ended(exit),
        said => OneShotError::Failed(said.to_owned()),
    }
    .into())
}

/// The whole of an answer, or the beginning of one that is longer.
pub(super) async fn read(pipe: Receiver, limit: u64) -> Result<Vec<u8>, OneShotError> {
    let mut bytes = Vec::new();
    pipe.take(limit).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

fn start(shim: &Path, verb: &str, input: BorrowedFd<'_>) -> io::Result<(Child, Receiver, Receiver)> {
    use std::os::fd::AsFd as _;
    let (answer, to_answer) = io::pipe()?;
    let (message, to_message) = io::pipe()?;
    let stdio = [input, to_answer.as_fd(), to_message.as_fd()];
    let child = spawn(&Spec { program: shim, args: &[verb], stdio, extra: &[] })?;
    Ok((child, Receiver::from_owned_fd(answer.into())?, Receiver::from_owned_fd(message.into())?))
}
