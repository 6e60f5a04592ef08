//! How much memory instances may have.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wasmtime::ResourceLimiter;

/// Kept for stacks, bodies under way and the engine itself.
const OWN: u64 = 24 << 20;
/// Of one table; a function's place takes 8 bytes.
const MAX_TABLE: usize = 1 << 20;

/// What all instances of a process have together.
#[derive(Debug)]
pub(crate) struct Budget {
    used: AtomicUsize,
    limit: usize,
}

impl Budget {
    /// Out of a plugin's memory in bytes, of which `taken` are spoken for.
    pub(crate) fn new(memory: u64, taken: u64) -> Arc<Self> {
        let own = OWN.saturating_add(taken);
        let limit = usize::try_from(memory.saturating_sub(own).max(memory / 2)).unwrap_or(usize::MAX);
        Arc::new(Self { used: AtomicUsize::new(0), limit })
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }
}

/// One store's part of it, which is given back with the store.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    taken: usize,
    /// What was granted last.
    last: usize,
    /// It was asked for more than there is.
    pub(crate) refused: bool,
}

impl Share {
    pub(crate) fn new(budget: &Arc<Budget>) -> Self {
        Self { budget: Arc::clone(budget), taken: 0, last: 0, refused: false }
    }
}

impl ResourceLimiter for Share {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        max: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.last = 0;
        // A bound that its author has set.
        if max.is_some_and(|max| desired > max) {
            return Ok(false);
        }
        let more = desired.saturating_sub(current);
        let limit = self.budget.limit;
        let fits = |used: usize| used.checked_add(more).filter(|sum| *sum <= limit);
        let granted = self.budget.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        if granted {
            self.last = more;
            self.taken += more;
        }
        self.refused |= !granted;
        Ok(granted)
    }

    /// The system has less than the budget: a limit of its own, or other processes have it.
    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.budget.used.fetch_sub(self.last, Ordering::Relaxed);
        self.taken -= std::mem::take(&mut self.last);
        self.refused = true;
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _max: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.taken, Ordering::Relaxed);
    }
}
