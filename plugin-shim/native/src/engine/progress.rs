//! Where the workers are, and what the main thread has to know of it.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use valor_abi::valor_plugin;
use valor_shim_core::control::Reporter;

/// Shared by the main thread and the workers.
#[derive(Debug)]
pub(super) struct Progress {
    state: Mutex<State>,
    changed: Condvar,
    reporter: Reporter,
}

#[derive(Debug)]
struct State {
    plugin: Option<&'static valor_plugin>,
    /// Whether worker 0 has said that it is created, or that it failed.
    created: Option<bool>,
    /// Workers that have not returned.
    running: usize,
    news: VecDeque<News>,
}

/// What the main thread has to act upon.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// The plugin is created.
    Created,
    /// It is not, and why.
    NotCreated(String),
    /// A worker has left its sockets.
    Deserted(String),
    /// All workers have returned, their sockets closed.
    Done,
}

impl Progress {
    pub(super) fn new(workers: usize, reporter: Reporter) -> Self {
        let state = State { plugin: None, created: None, running: workers, news: VecDeque::new() };
        Self { state: Mutex::new(state), changed: Condvar::new(), reporter }
    }

    /// The library is loaded and the sandbox sealed: worker 0 may go.
    pub(super) fn begin(&self, plugin: &'static valor_plugin) {
        self.lock().plugin = Some(plugin);
        self.changed.notify_all();
    }

    /// Waits until worker `index` may go. A start that fails ends the process instead.
    pub(super) fn wait(&self, index: usize) -> &'static valor_plugin {
        let mut state = self.lock();
        loop {
            match state.plugin {
                Some(plugin) if index == 0 || state.created == Some(true) => return plugin,
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
        state.news.push_back(result.map_or_else(News::NotCreated, |()| News::Created));
        drop(state);
        self.changed.notify_all();
        self.reporter.poke();
    }

    /// Worker `index` has returned from the plugin with `code`; `done`: when all of its sockets were closed.
    pub(super) fn returned(&self, index: usize, code: i32, done: bool) {
        if index == 0 {
            self.created(Err(format!("the plugin's worker returned {code} before it was created")));
        }
        let mut state = self.lock();
        state.running -= 1;
        if !done {
            let message = format!("worker {index} of the plugin returned {code} while its sockets were open");
            state.news.push_back(News::Deserted(message));
        } else if state.running == 0 {
            state.news.push_back(News::Done);
        }
        drop(state);
        self.reporter.poke();
    }

    /// What has happened since the last time.
    pub(super) fn news(&self) -> VecDeque<News> {
        std::mem::take(&mut self.lock().news)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
