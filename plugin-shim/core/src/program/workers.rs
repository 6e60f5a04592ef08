//! The threads of an engine, which wait until the sandbox is closed.

use std::os::fd::OwnedFd;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::Builder;

use valor_wire::control::Step;

use super::{Failure, Plan};

/// Threads that wait.
#[derive(Debug, Default)]
pub struct Workers {
    go: Vec<SyncSender<()>>,
}

impl Workers {
    /// Starts one with a stack of so many bytes; `work` waits for [`begin`](Self::begin).
    pub fn spawn(&mut self, stack: usize, work: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
        let (go, begin) = sync_channel::<()>(1);
        let index = self.go.len();
        let thread = Builder::new().name(format!("worker-{index}")).stack_size(stack).spawn(move || {
            // Fails when the start has, and the process ends.
            if begin.recv().is_ok() {
                work();
            }
        });
        thread.map_err(|error| {
            let cure = "raise the plugin's limits of threads or memory";
            Failure::at(Step::Load)(format!("cannot start worker thread {index}: {error}: {cure}"))
        })?;
        self.go.push(go);
        Ok(())
    }

    /// Closes the sandbox for all threads and lets them go; how many there are.
    pub fn begin(self, seal: impl FnOnce() -> Result<(), String>) -> Result<usize, Failure> {
        seal().map_err(Failure::at(Step::Seal))?;
        for go in &self.go {
            // Fails only when the thread is gone, which it cannot be yet.
            let _sent: Result<(), _> = go.send(());
        }
        Ok(self.go.len())
    }
}

impl Plan {
    /// The data sockets of each of `workers`; the plan keeps none.
    pub fn deal(&mut self, workers: usize) -> Vec<Vec<OwnedFd>> {
        let mut shares: Vec<_> = (0..workers).map(|_| Vec::new()).collect();
        for (index, socket) in std::mem::take(&mut self.sockets).into_iter().enumerate() {
            shares[index % workers].push(socket);
        }
        shares
    }
}
