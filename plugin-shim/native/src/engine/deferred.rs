//! When a plugin's release functions run. Bytes of a plugin may be dropped while a worker's lock is held, and a release function
//! may do what it likes, such as calling us: so it waits until the outermost of our functions on this thread is done.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A release that is owed.
#[derive(Clone, Copy)]
pub(super) struct Release {
    pub(super) function: unsafe extern "C" fn(context: *mut c_void),
    pub(super) context: *mut c_void,
}

thread_local! {
    /// How many of our functions are on this thread's stack.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    static OWED: RefCell<Vec<Release>> = const { RefCell::new(Vec::new()) };
}

/// Runs one of our functions: no panic leaves it, and no release function runs within it.
pub(super) fn guard<T>(fallback: T, call: impl FnOnce() -> T) -> T {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get() - 1);
            if DEPTH.get() == 0 {
                settle();
            }
        }
    }
    DEPTH.set(DEPTH.get() + 1);
    let _leave = Leave;
    catch_unwind(AssertUnwindSafe(call)).unwrap_or(fallback)
}

impl Release {
    /// Calls it as soon as that is safe. The caller owns what is released.
    pub(super) fn run(self) {
        // A thread that is ending holds no lock of ours.
        let now = DEPTH.try_with(Cell::get).unwrap_or(0) == 0;
        if now || OWED.try_with(|owed| owed.borrow_mut().push(self)).is_err() {
            self.call();
        }
    }

    fn call(self) {
        // SAFETY: the contract: once, from any thread, by the owner of the bytes.
        unsafe { (self.function)(self.context) }
    }
}

fn settle() {
    while let Some(release) = OWED.with_borrow_mut(Vec::pop) {
        release.call();
    }
}
