//! What travels on the control socket: JSON messages in CONTROL frames.
//!
//! ```text
//! valord                                             valor-shim
//!   Hello  ───────────────────────────────────────►
//!          ◄───────────────────────────────────────  Hello        (a refusal says both versions)
//!   Setup  ───────────────────────────────────────►               what to confine, and how far
//!          ◄───────────────────────────────────────  Report       every layer, before the plugin's code is mapped
//!   Start  ───────────────────────────────────────►               only when the policy is content
//!          ◄───────────────────────────────────────  Ready | Failed
//!          ◄───────────────────────────────────────  Log ...
//!   Drain  ───────────────────────────────────────►
//! ```
//!
//! From `Start` on, the peer is the plugin: a `Report` after it is a violation.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::frame::{FrameHeader, FrameType, HEADER_LEN};
use crate::{PROTOCOL_VERSION, Violation};

/// The longest control message, in bytes.
pub const MAX_MESSAGE: usize = 1024 * 1024;

/// The longest message of a [`FromShim::Log`]; the shim cuts longer ones.
pub const MAX_LOG_MESSAGE: usize = 16 * 1024;

/// A feature of [`Hello`]: this side's data sockets take BACKGROUND frames.
pub const BACKGROUND: &str = "background";

/// The exit code of a shim whose control socket has hung up. Beyond 128 and any signal, which stand for that signal.
pub const HUNG_UP: u8 = 193;

/// The first message of each side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The protocol version, [`PROTOCOL_VERSION`].
    pub version: u32,
    /// What else this side can do; unknown ones are ignored. `duplex` is reserved for upgrades.
    #[serde(default)]
    pub features: Vec<String>,
    /// The program and its version, for messages.
    pub software: String,
}

impl Hello {
    /// This side's greeting.
    #[must_use]
    pub fn new(software: &str) -> Self {
        Self {
            version: PROTOCOL_VERSION,
            features: vec![BACKGROUND.to_owned()],
            software: software.to_owned(),
        }
    }

    /// Whether this side has offered `feature`.
    #[must_use]
    pub fn offers(&self, feature: &str) -> bool {
        self.features.iter().any(|offered| offered == feature)
    }

    /// Whether the two can talk; the error says both versions.
    pub fn accept(&self, peer: &Self) -> Result<(), String> {
        if self.version == peer.version {
            return Ok(());
        }
        Err(format!(
            "{} speaks protocol version {}, {} speaks {}: install both from one release",
            self.software, self.version, peer.software, peer.version
        ))
    }
}

/// From `valord` to a shim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToShim {
    /// The greeting.
    Hello(Hello),
    /// How to confine the process.
    Setup(Box<Setup>),
    /// The sandbox is good enough: load the plugin and create it.
    Start(Start),
    /// No request follows; exit when those in flight are answered.
    Drain,
}

/// From a shim to `valord`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromShim {
    /// The greeting.
    Hello(Hello),
    /// What became of every layer, in the order in which they were applied.
    Report {
        /// One entry a layer.
        layers: Vec<LayerReport>,
    },
    /// `on_create` has returned and every worker serves.
    Ready {
        /// The ABI version that the plugin was built for.
        abi: u32,
        /// The SDK that it was built with.
        sdk: String,
    },
    /// The start has failed for good.
    Failed {
        /// Which step.
        step: Step,
        /// Why, and what to do about it.
        message: String,
    },
    /// A line that the plugin wrote through the SDK's log.
    Log {
        /// How important.
        level: LogLevel,
        /// The module that wrote it.
        target: String,
        /// The text, at most [`MAX_LOG_MESSAGE`] bytes.
        message: String,
    },
}

/// The steps of a start that can fail inside the shim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Handshake and reading of the setup.
    Setup,
    /// A sandbox layer without which the rest cannot be built.
    Sandbox,
    /// Loading the library.
    Load,
    /// The entry symbol and the ABI version.
    Abi,
    /// The second seccomp stage.
    Seal,
    /// `on_create`.
    Create,
}

/// How important a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the usual levels")]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// How to confine a plugin process. Paths are the daemon's, outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// The plugin's name; the process is named after it.
    pub plugin: String,
    /// The library to load.
    pub artifact: PathBuf,
    /// What the library needs besides the shim's own libraries.
    pub libraries: Vec<Library>,
    /// An empty directory to mount the new root on.
    pub root: PathBuf,
    /// The plugin's own directory, to appear as `/data`.
    pub data: Option<PathBuf>,
    /// The size of `/tmp`, in bytes.
    pub tmp_bytes: u64,
    /// Files and directories to appear at the same path, read-only.
    #[serde(default)]
    pub read: Vec<PathBuf>,
    /// Directories to appear at the same path, writable.
    #[serde(default)]
    pub write: Vec<PathBuf>,
    /// Environment variables of the plugin.
    #[serde(default)]
    pub env: Vec<(String, String)>,
    /// Started by root: the user and group to become.
    pub identity: Option<Identity>,
    /// Resource limits.
    pub rlimits: Rlimits,
    /// How much memory the plugin may have, in bytes, for engines that count it; the kernel's part is in `rlimits`.
    #[serde(default)]
    pub memory: u64,
    /// A program that runs the plugin, where the shim does not do that itself.
    #[serde(default)]
    pub engine: Option<Engine>,
}

/// A program of this machine that runs plugins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engine {
    /// The program.
    pub program: PathBuf,
    /// All libraries that it needs, the dynamic linker among them.
    pub libraries: Vec<Library>,
}

/// A library that the plugin is linked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Library {
    /// Its name in the plugin's dynamic section, without directories.
    pub soname: String,
    /// Where it is on this machine.
    pub path: PathBuf,
}

/// A user of the plugin's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The user id, not 0.
    pub uid: u32,
    /// The group id, not 0.
    pub gid: u32,
}

/// Limits that the kernel keeps for each process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rlimits {
    /// Open descriptors.
    pub nofile: u64,
    /// Threads, in the process's user namespace.
    pub nproc: u64,
    /// The largest file, in bytes.
    pub fsize: u64,
    /// Data segment and private writable mappings in bytes, where no cgroup counts memory.
    pub data: Option<u64>,
}

/// What to run, once confined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The plugin's configuration.
    pub config: serde_json::Value,
    /// How many workers serve; data socket `i` belongs to worker `i % workers`.
    pub workers: u16,
}

/// What became of one sandbox layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerReport {
    /// The layer's name, for example `seccomp`.
    pub layer: String,
    /// How far it holds.
    pub status: LayerStatus,
    /// Why it is not full, or what is worth knowing.
    #[serde(default)]
    pub reason: String,
    /// Whether the daemon has checked it from outside; never believed when it comes from a shim.
    #[serde(default)]
    pub verified: bool,
}

/// How far a sandbox layer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "plain words")]
pub enum LayerStatus {
    Full,
    Partial,
    Absent,
}

/// Writes one message as a frame.
///
/// # Errors
///
/// When the message is longer than [`MAX_MESSAGE`].
pub fn encode(message: &impl Serialize) -> Result<Vec<u8>, Violation> {
    let mut out = vec![0; HEADER_LEN];
    serde_json::to_writer(&mut out, message).map_err(|e| Violation::Control(e.to_string()))?;
    let len = out.len() - HEADER_LEN;
    let header = u32::try_from(len)
        .ok()
        .filter(|_| len <= MAX_MESSAGE)
        .map(|len| FrameHeader { len, kind: FrameType::Control, flags: 0, stream: 0 })
        .ok_or(Violation::FrameLength { kind: "control", len, limit: MAX_MESSAGE })?;
    out[..HEADER_LEN].copy_from_slice(&header.encode());
    Ok(out)
}

/// Takes messages out of the bytes of a control socket.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// How much of it is done.
    at: usize,
}

impl Decoder {
    /// Appends what was read.
    pub fn feed(&mut self, bytes: &[u8]) {
        // Once a read, not once a message: many small ones would shift the buffer over and over.
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, `None` when more bytes are needed. Call until `None` after each
    /// [`feed`](Self::feed), so that never more than one message and one read are held.
    #[expect(clippy::should_implement_trait, reason = "the type is chosen by the caller")]
    pub fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Violation> {
        let rest = &self.buffer[self.at..];
        let Some(header) = rest.first_chunk::<HEADER_LEN>() else {
            return Ok(None);
        };
        let header = FrameHeader::decode(header)?;
        if header.kind != FrameType::Control {
            return Err(Violation::Misplaced("data"));
        }
        if header.stream != 0 {
            return Err(Violation::ReservedBits);
        }
        let len = header.len as usize;
        if len > MAX_MESSAGE {
            return Err(Violation::FrameLength { kind: "control", len, limit: MAX_MESSAGE });
        }
        let Some(payload) = rest.get(HEADER_LEN..HEADER_LEN + len) else {
            return Ok(None);
        };
        let message = serde_json::from_slice(payload).map_err(|e| Violation::Control(e.to_string()))?;
        self.at += HEADER_LEN + len;
        Ok(Some(message))
    }
}
