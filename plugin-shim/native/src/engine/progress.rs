//! Where the workers are, and what the main thread has to know of it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use valor_abi::{VALOR_ABI_VERSION, valor_plugin};
use valor_shim_core::program::{News, Teller};

/// Shared by the main thread and the workers.
#[derive(Debug)]
pub(super) struct Progress {
    state: Mutex<State>,
    changed: Condvar,
    teller: Teller,
}

#[derive(Debug)]
struct State {
    /// What was loaded, and the SDK that it names.
    plugin: Option<(&'static valor_plugin, String)>,
    /// Whether worker 0 has said that it is created, or that it failed.
    created: Option<bool>,
}

impl Progress {
    pub(super) fn new(teller: Teller) -> Self {
        let state = State { plugin: None, created: None };
        Self { state: Mutex::new(state), changed: Condvar::new(), teller }
    }

    /// The library is loaded and the sandbox sealed: worker 0 may go.
    pub(super) fn begin(&self, plugin: &'static valor_plugin, sdk: String) {
        self.lock().plugin = Some((plugin, sdk));
        self.changed.notify_all();
    }

    /// Waits until worker `index` may go. A start that fails ends the process instead.
    pub(super) fn wait(&self, index: usize) -> &'static valor_plugin {
        let mut state = self.lock();
        loop {
            match state.plugin {
                Some((plugin, _)) if index == 0 || state.created == Some(true) => return plugin,
                _ => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Worker 0 has created the plugin, or not. Only the first word counts.
    pub(super) fn created(&self, result: Result<(), String>) {
        let mut state = self.lock();
        if state.created.is_some() {
            return;
        }
        state.created = Some(result.is_ok());
        let sdk = state.plugin.as_mut().map(|(_, sdk)| std::mem::take(sdk)).unwrap_or_default();
        drop(state);
        self.changed.notify_all();
        match result {
            Ok(()) => self.teller.tell(News::Ready { abi: VALOR_ABI_VERSION, sdk }),
            Err(message) => self.teller.give_up(false, message),
        }
    }

    /// Worker `index` has returned from the plugin with `code`; `done`: when all of its sockets were closed.
    pub(super) fn returned(&self, index: usize, code: i32, done: bool) {
        if index == 0 {
            self.created(Err(format!("the plugin's worker returned {code} before it was created")));
        }
        self.teller.tell(if done {
            News::Done
        } else {
            News::Broken(format!("worker {index} of the plugin returned {code} while its sockets were open"))
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
