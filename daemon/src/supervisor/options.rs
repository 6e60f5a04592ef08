//! How the supervisor behaves; `config` fills it.

use std::path::PathBuf;
use std::time::Duration;

use valor_control::kind::Kind;

use super::policy::Property;
use super::rules::Rules;
use super::shims::Shims;

/// Settings of the supervisor.
#[derive(Debug, Clone)]
pub struct Options {
    /// The programs that run plugins.
    pub shims: Shims,
    /// Deno; `None`: the one on `PATH`.
    pub deno: Option<PathBuf>,
    /// From the spawn of a process until it is ready, `on_create` included.
    pub start_deadline: Duration,
    /// For an artifact to be inspected.
    pub inspect_deadline: Duration,
    /// For an artifact to be compiled, from the moment at which it is its turn.
    pub compile_deadline: Duration,
    /// For what is in flight when a process is to end.
    pub drain_timeout: Duration,
    /// Between the order to end and the kill, when nothing is in flight.
    pub stop_grace: Duration,
    /// Between the end of a process's sockets and its exit, which tells more.
    pub exit_grace: Duration,
    /// Back-off and quarantine.
    pub rules: Rules,
    /// Properties of the sandbox that the operator does without.
    pub give_up: Vec<Property>,
    /// Run as root: the first uid of plugins, and how many there are.
    pub uids: (u32, u32),
    /// Worker threads of a plugin process, where they share no state.
    pub shim_workers: u16,
    /// Processes that are started at the same time.
    pub parallel_starts: usize,
    /// Artifacts that are compiled at the same time: each takes a core.
    pub parallel_compiles: usize,
    /// The size of a plugin's `/tmp`, in bytes.
    pub tmp_bytes: u64,
    /// Log lines kept for each plugin.
    pub log_lines: usize,
    /// Bytes of log kept for each plugin.
    pub log_bytes: usize,
}

impl Options {
    /// The defaults, with this shim for native plugins and the others beside it.
    #[must_use]
    pub fn new(shim: PathBuf) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            shims: Shims::beside(shim),
            deno: None,
            start_deadline: Duration::from_secs(15),
            inspect_deadline: Duration::from_secs(10),
            compile_deadline: Duration::from_secs(120),
            drain_timeout: Duration::from_secs(30),
            stop_grace: Duration::from_secs(2),
            exit_grace: Duration::from_secs(1),
            rules: Rules::default(),
            give_up: Vec::new(),
            uids: (0x7000_0000, 0x1_0000),
            shim_workers: u16::try_from(cores.min(4)).unwrap_or(4),
            parallel_starts: cores.max(2),
            parallel_compiles: cores,
            tmp_bytes: 64 << 20,
            log_lines: 1000,
            log_bytes: 1 << 20,
        }
    }

    /// Worker threads of a process of this kind.
    pub(super) fn workers(&self, kind: Kind) -> u16 {
        if kind.shares_state() { 1 } else { self.shim_workers }
    }
}
