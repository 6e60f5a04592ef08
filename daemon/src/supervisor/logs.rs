//! What a plugin writes: kept in a ring that is bounded by lines and bytes, and handed to whoever follows.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;
pub use valor_wire::control::LogLevel;

use crate::store::now_ms;

/// Lines that a follower may lag behind.
const FOLLOW: usize = 256;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When it came: milliseconds since the epoch.
    pub time_ms: u64,
    /// Where it came from.
    pub stream: LogStream,
    /// How important.
    pub level: LogLevel,
    /// The module that wrote it, for lines of the SDK.
    pub target: String,
    /// The text, without control characters.
    pub message: String,
}

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// The SDK's log.
    Log,
    /// The daemon, about the plugin.
    Valord,
}

impl LogStream {
    /// In a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Log => "log",
            Self::Valord => "valord",
        }
    }
}

/// The log of one plugin; clones are the same one.
#[derive(Debug, Clone)]
pub struct LogBook {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    lines: usize,
    bytes: usize,
    ring: Mutex<Ring>,
}

#[derive(Debug)]
struct Ring {
    lines: VecDeque<Arc<LogLine>>,
    bytes: usize,
    /// `None` when the plugin is gone: followers come to an end.
    follow: Option<broadcast::Sender<Arc<LogLine>>>,
}

impl LogBook {
    /// An empty log that keeps so many lines and bytes.
    #[must_use]
    pub fn new(lines: usize, bytes: usize) -> Self {
        let ring = Ring { lines: VecDeque::new(), bytes: 0, follow: Some(broadcast::Sender::new(FOLLOW)) };
        Self { shared: Arc::new(Shared { lines: lines.max(1), bytes, ring: Mutex::new(ring) }) }
    }

    /// What is kept, oldest first.
    #[must_use]
    pub fn lines(&self) -> Vec<Arc<LogLine>> {
        self.ring().lines.iter().cloned().collect()
    }

    /// What is kept, and everything that comes after it; the receiver ends when the plugin is unregistered.
    #[must_use]
    pub fn follow(&self) -> (Vec<Arc<LogLine>>, broadcast::Receiver<Arc<LogLine>>) {
        let ring = self.ring();
        let lines = ring.lines.iter().cloned().collect();
        let receiver = match &ring.follow {
            Some(sender) => sender.subscribe(),
            None => broadcast::channel(1).1,
        };
        (lines, receiver)
    }

    /// Adds a line; long ones are cut, control characters escaped.
    pub fn push(&self, stream: LogStream, level: LogLevel, target: &str, message: &str) {
        let line = LogLine {
            time_ms: now_ms(),
            stream,
            level,
            target: clean(target, MAX_TARGET),
            message: clean(message, MAX_MESSAGE),
        };
        let line = Arc::new(line);
        let mut ring = self.ring();
        ring.bytes += line.size();
        ring.lines.push_back(Arc::clone(&line));
        while ring.lines.len() > 1 && (ring.lines.len() > self.shared.lines || ring.bytes > self.shared.bytes)
        {
            if let Some(old) = ring.lines.pop_front() {
                ring.bytes -= old.size();
            }
        }
        if let Some(follow) = &ring.follow {
            // Nobody follows: fine.
            let _sent = follow.send(line);
        }
    }

    /// The plugin is gone.
    pub(super) fn close(&self) {
        self.ring().follow = None;
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.shared.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The longest message and target that are kept, in bytes.
const MAX_MESSAGE: usize = valor_wire::control::MAX_LOG_MESSAGE;
const MAX_TARGET: usize = 128;

impl LogLine {
    /// What it costs to keep.
    fn size(&self) -> usize {
        self.message.len() + self.target.len() + size_of::<Self>()
    }
}

/// A terminal shows this as it is: no control characters (tabs but), no longer than `limit`.
pub(super) fn clean(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len().min(limit));
    for c in text.chars() {
        if out.len() + c.len_utf8() > limit {
            out.push('…');
            break;
        }
        // U+202A..202E and U+2066..2069 turn text around; U+0080..9F are control characters for terminals, too.
        if (c.is_control() && c != '\t') || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}
