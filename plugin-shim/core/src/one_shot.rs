//! Work on what strangers have sent, in a process of its own: it gives up everything before it reads the first byte of standard
//! input, and answers on standard output.

use std::io::{self, Read, Write as _};
use std::path::PathBuf;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::geteuid;
use valor_wire::control::{Identity, LayerReport, LayerStatus};

use crate::sandbox::{self, landlock};

/// Nobody: who has nothing at all, anywhere.
const NOBODY: Identity = Identity { uid: 65534, gid: 65534 };
/// Larger files are not read.
pub const MAX_INPUT: u64 = 1 << 30;

/// How much it may use.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Seconds of the processor.
    pub seconds: u64,
    /// Bytes of address space.
    pub memory: u64,
    /// Bytes of an answer that is a file.
    pub answer: u64,
}

/// Why the work could not be done.
#[derive(Debug, thiserror::Error)]
pub enum OneShotError {
    /// The process could not confine itself.
    #[error("the one-shot could not be confined: {0}")]
    Confine(String),
    /// The artifact could not be read from standard input.
    #[error("the artifact could not be read from standard input: {0}")]
    Read(io::Error),
    /// The work itself.
    #[error("{0}")]
    Work(String),
    /// The answer could not be written.
    #[error("the answer could not be written to standard output: {0}")]
    Write(io::Error),
}

/// Confines the process to what is `readable`, hands it standard input, and writes what comes of it.
///
/// # Errors
///
/// Says which of the steps has failed.
pub fn run(
    readable: &[PathBuf],
    bounds: Bounds,
    work: impl FnOnce(Vec<u8>) -> Result<Vec<u8>, String>,
) -> Result<(), OneShotError> {
    confine(readable, bounds).map_err(OneShotError::Confine)?;
    let stdin = io::stdin().lock();
    let size = nix::sys::stat::fstat(&stdin).map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0));
    let answer = work(read(stdin, size)?).map_err(OneShotError::Work)?;
    let mut out = io::stdout().lock();
    out.write_all(&answer).and_then(|()| out.flush()).map_err(OneShotError::Write)
}

/// All of `input`, of which there are probably `size` bytes.
pub(crate) fn read(input: impl Read, size: u64) -> Result<Vec<u8>, OneShotError> {
    // One byte more, to see the end.
    let room = usize::try_from(size.min(MAX_INPUT) + 1).unwrap_or_default();
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(room).map_err(|error| OneShotError::Read(error.into()))?;
    let read = input.take(MAX_INPUT + 1).read_to_end(&mut bytes).map_err(OneShotError::Read)?;
    if read as u64 > MAX_INPUT {
        let message = format!("it is larger than {MAX_INPUT} bytes: strip its debug information");
        return Err(OneShotError::Read(io::Error::new(io::ErrorKind::FileTooLarge, message)));
    }
    Ok(bytes)
}

/// Before the first byte is read. The error says what could not be given up.
fn confine(readable: &[PathBuf], bounds: Bounds) -> Result<(), String> {
    let limits = [
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_CPU, bounds.seconds),
        (Resource::RLIMIT_AS, bounds.memory),
        (Resource::RLIMIT_NOFILE, 64),
        (Resource::RLIMIT_FSIZE, bounds.answer),
    ];
    for (resource, limit) in limits {
        let hard = getrlimit(resource).map_or(limit, |(_, hard)| hard);
        setrlimit(resource, limit.min(hard), limit.min(hard))
            .map_err(|errno| format!("{resource:?}: {errno}"))?;
    }
    let identity = geteuid().is_root().then_some(NOBODY);
    sandbox::give_up_privileges(identity).iter().try_for_each(holds)?;
    // A kernel without it leaves the filter, which allows no connection and no process.
    let _best_effort =
        landlock::apply(&landlock::Paths { read: readable.into(), ..landlock::Paths::default() });
    sandbox::filter_and_seal().iter().try_for_each(holds)
}

fn holds(report: &LayerReport) -> Result<(), String> {
    match report.status {
        LayerStatus::Absent => Err(format!("{}: {}", report.layer, report.reason)),
        _ => Ok(()),
    }
}
