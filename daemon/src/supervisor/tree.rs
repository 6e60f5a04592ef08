//! The processes of one start: the spawned one, the sandbox's init, the plugin; and the group that they are in.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use valor_wire::control::HUNG_UP;

use super::events::Cause;
use crate::sys::cgroup::{Cgroup, Witness};
use crate::sys::proc;
use crate::sys::process::{ABORT, Child, Exit, Process};

/// A killed process is gone by then, or hangs in the kernel.
const DEATH: Duration = Duration::from_secs(5);

/// Owns them all. Dropped, it kills them.
#[derive(Debug)]
pub(super) struct Tree {
    /// The plugin first, then its ancestors: without a pid namespace nobody else would end the plugin.
    inner: Vec<Process>,
    outer: Child,
    group: Option<Cgroup>,
}

impl Tree {
    pub(super) fn new(outer: Child, group: Option<Cgroup>) -> Self {
        Self { inner: Vec::new(), outer, group }
    }

    /// Takes the plugin process in, and those between it and the spawned one.
    ///
    /// # Errors
    /// When it does not descend from the spawned one.
    pub(super) fn adopt(&mut self, plugin: u32) -> io::Result<()> {
        let mut pid = plugin;
        let mut found = Vec::new();
        while pid != self.outer.pid() {
            found.push(Process::open_descendant(pid, &self.outer)?);
            pid = proc::status(pid)?.parent;
        }
        self.inner = found;
        Ok(())
    }

    /// Kills all of them.
    pub(super) fn kill(&self) {
        if let Some(group) = &self.group {
            group.kill();
        }
        self.inner.iter().for_each(Process::kill);
        self.outer.children().iter().for_each(Process::kill);
        self.outer.kill();
    }

    /// Resolves when the spawned process has ended; the others may live still.
    pub(super) async fn exit(&mut self) -> Exit {
        self.outer.wait().await
    }

    /// Kills what lives still, and resolves when nothing does and the group is gone. False: something hangs in the kernel.
    pub(super) async fn end(&mut self) -> bool {
        self.kill();
        let gone = async {
            self.outer.wait().await;
            for process in &self.inner {
                process.ended().await;
            }
            if let Some(group) = &self.group {
                group.removed().await;
            }
        };
        tokio::time::timeout(DEATH, gone).await.is_ok()
    }

    /// Who tells whether the kernel has killed it for its memory; `None` where nobody counts.
    pub(super) fn witness(&self) -> Option<Arc<Witness>> {
        self.group.as_ref().map(|group| Arc::clone(group.witness()))
    }

    pub(super) fn out_of_memory(&self) -> bool {
        self.group.as_ref().is_some_and(|group| group.witness().out_of_memory())
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        // Of processes that have ended, the pidfds say so, and nothing happens.
        self.kill();
    }
}

/// How the plugin has ended, by the status that the outer process passes on: 128 and the signal.
pub(super) fn describe(exit: Exit, out_of_memory: bool) -> String {
    if out_of_memory {
        return "it was killed by the kernel: out of memory (raise --memory, or find the leak)".to_owned();
    }
    match exit {
        // While valord has it open, only the plugin can have done that.
        Exit::Code(code) if code == i32::from(HUNG_UP) => "it closed its control socket".to_owned(),
        Exit::Code(code @ 129..=192) => format!("it was ended by {}", Exit::Signal(code - 128)),
        Exit::Code(code) => format!("it exited with code {code}"),
        Exit::Signal(_) => format!("it was ended by {exit}"),
        Exit::Unknown => "it ended".to_owned(),
    }
}

/// Where no group counts its memory, its last lines tell: it got no more, and aborted. `None`: they do not. They are its own words, a
/// reason to show and no proof.
pub(super) fn starved(cause: &Cause, output: &[String]) -> Option<String> {
    // Rust's allocator, C++'s, and strerror(ENOMEM).
    let says_so = |line: &&String| {
        (line.starts_with("memory allocation of ") && line.contains(" bytes failed"))
            || line.contains("std::bad_alloc")
            || line.contains("Cannot allocate memory")
    };
    let last = output.iter().rev().find(says_so).filter(|_| *cause == Cause::Signal(ABORT))?;
    Some(format!("it got no more memory and aborted: {last} (raise --memory, or find the leak)"))
}

/// The same in a word.
pub(super) fn cause(exit: Exit, out_of_memory: bool) -> Cause {
    match exit {
        _ if out_of_memory => Cause::OutOfMemory,
        Exit::Code(code) if code == i32::from(HUNG_UP) => Cause::Closed,
        Exit::Code(code @ 129..=192) => Cause::Signal(code - 128),
        Exit::Code(code) => Cause::Exit(code),
        Exit::Signal(number) => Cause::Signal(number),
        Exit::Unknown => Cause::Closed,
    }
}
