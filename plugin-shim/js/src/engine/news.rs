//! What the worker has to tell the main thread.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use valor_shim_core::control::Reporter;

/// What the main thread has to act upon.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// The module is evaluated and has a handler; by this engine.
    Created(String),
    /// It is not, or has none.
    NotCreated(String),
    /// There is no way on.
    Broken(String),
    /// All sockets are closed.
    Done,
}

/// A queue of at most a few items: each is told once in a life.
#[derive(Debug)]
pub(crate) struct Newsroom {
    news: Mutex<VecDeque<News>>,
    reporter: Reporter,
}

impl Newsroom {
    pub(super) fn new(reporter: Reporter) -> Self {
        Self { news: Mutex::default(), reporter }
    }

    pub(crate) fn tell(&self, news: News) {
        self.lock().push_back(news);
        self.reporter.poke();
    }

    /// A worker has ended: `Ok(true)` for a reason that was told already, `Err` before the plugin was created.
    pub(crate) fn ended(&self, how: Result<bool, String>) {
        match how {
            Ok(true) => {}
            Ok(false) => self.tell(News::Done),
            Err(message) => self.tell(News::NotCreated(message)),
        }
    }

    /// What has happened since the last time.
    pub(super) fn take(&self) -> VecDeque<News> {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<News>> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
