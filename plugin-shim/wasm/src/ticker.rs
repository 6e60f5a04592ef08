//! The clock by which code is interrupted. It stands still while nothing runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{Builder, Thread};
use std::time::Duration;

use wasmtime::Engine;

/// How long one epoch takes: how late code is interrupted, and how long it may keep its neighbours waiting.
const TICK: Duration = Duration::from_millis(10);
/// After so many ticks in which nothing ran, it waits to be woken.
const IDLE: u32 = 50;

/// Counts who runs.
#[derive(Debug, Clone)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Debug, Default)]
struct Shared {
    running: AtomicUsize,
    /// Something has run since the last tick.
    used: AtomicBool,
    parked: AtomicBool,
}

impl Ticker {
    /// A thread that counts the epochs of `engine`.
    pub(crate) fn start(engine: &Engine) -> Result<Self, String> {
        let shared = Arc::new(Shared::default());
        let (own, engine) = (Arc::clone(&shared), engine.weak());
        let thread = Builder::new().name("ticker".to_owned()).spawn(move || {
            let mut idle = 0;
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                let used = own.used.swap(false, Ordering::Relaxed) || own.running.load(Ordering::SeqCst) > 0;
                idle = if used { 0 } else { idle + 1 };
                if idle < IDLE {
                    std::thread::park_timeout(TICK);
                    continue;
                }
                own.parked.store(true, Ordering::SeqCst);
                if own.running.load(Ordering::SeqCst) == 0 {
                    std::thread::park();
                }
                own.parked.store(false, Ordering::SeqCst);
            }
        });
        let thread = thread.map_err(|error| {
            format!("cannot start a thread: {error}: raise the plugin's limits of threads or memory")
        })?;
        Ok(Self { shared, thread: thread.thread().clone() })
    }

    /// Something runs until the result is dropped.
    pub(crate) fn run(&self) -> Running<'_> {
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        self.shared.used.store(true, Ordering::Relaxed);
        if self.shared.parked.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Running(&self.shared)
    }
}

/// How many ticks make up so much time, rounded up.
pub(crate) fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_millis().div_ceil(TICK.as_millis())).unwrap_or(u64::MAX).max(1)
}

/// See [`Ticker::run`].
#[derive(Debug)]
pub(crate) struct Running<'a>(&'a Shared);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}
