//! A worker thread: the sockets it serves and the plugin's callbacks.

use std::cell::RefCell;
use std::ffi::{c_int, c_void};
use std::os::fd::{AsRawFd, RawFd};
use std::ptr::{from_ref, with_exposed_provenance_mut};
use std::sync::{Arc, OnceLock};

use valor_abi::{
    VALOR_EVENT_CANCELLED, VALOR_EVENT_READABLE, VALOR_EVENT_RESPONSE, VALOR_EVENT_WRITABLE, valor_field,
    valor_plugin, valor_request, valor_worker, valor_worker_args,
};
use valor_shim_core::program::{Failure, Plan, Workers};
use valor_shim_core::serve::{
    self, EVENT_CANCELLED, EVENT_READABLE, EVENT_RESPONSE, EVENT_WRITABLE, Exchange, Handler, Head, Pumped,
};
use valor_shim_core::wire::control::LogLevel;
use valor_shim_core::wire::{Limits, Violation};

use super::body::lend;
use super::deferred::guard;
use super::exchange::Handle;
use super::host::HOST;
use super::poll_loop;
use super::progress::Progress;

const _: () = assert!(
    EVENT_RESPONSE == VALOR_EVENT_RESPONSE
        && EVENT_READABLE == VALOR_EVENT_READABLE
        && EVENT_WRITABLE == VALOR_EVENT_WRITABLE
        && EVENT_CANCELLED == VALOR_EVENT_CANCELLED
);

/// What Rust's and tokio's threads have. Not more: where no cgroup counts memory, the limit of it counts stacks in full.
const STACK: usize = 2 * 1024 * 1024;

/// What a pump leaves behind that failed for a fault of ours.
const CLOSED: Pumped = Pumped { drained: true, want_write: false, closed: true };

/// What a `valor_worker` pointer stands for. Lives until the process ends, since a plugin may fetch from any thread.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) core: Arc<serve::Worker>,
    index: usize,
    progress: &'static Progress,
    plugin: OnceLock<&'static valor_plugin>,
}

/// What a worker is started with.
struct Job {
    worker: &'static Worker,
    count: usize,
    fds: Vec<RawFd>,
    config: Arc<str>,
    name: Arc<str>,
}

/// Starts the threads and closes the sandbox; how many there are. They wait until the plugin [begins](Progress::begin).
pub(super) fn start(mut plan: Plan, progress: &'static Progress) -> Result<usize, Failure> {
    let count = plan.workers.clamp(1, plan.sockets.len().max(1));
    let shares = plan.deal(count);
    let (name, config): (Arc<str>, Arc<str>) = (plan.name.into(), plan.config.into());
    let mut workers = Workers::default();
    for (index, sockets) in shares.into_iter().enumerate() {
        let fds = sockets.iter().map(AsRawFd::as_raw_fd).collect();
        let core = serve::Worker::new(sockets, Limits::default());
        let worker = Box::leak(Box::new(Worker { core, index, progress, plugin: OnceLock::new() }));
        let job = Job { worker, count, fds, config: Arc::clone(&config), name: Arc::clone(&name) };
        workers.spawn(STACK, move || job.run())?;
    }
    workers.begin(plan.seal)
}

impl Job {
    fn run(self) {
        let worker = self.worker;
        let plugin = worker.progress.wait(worker.index);
        let _first: Result<(), _> = worker.plugin.set(plugin);
        worker.core.bind();
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let args = valor_worker_args {
            index: number(worker.index),
            count: number(self.count),
            fds: self.fds.as_ptr(),
            fd_count: self.fds.len(),
            config: lend(self.config.as_bytes()),
            name: lend(self.name.as_bytes()),
        };
        let code = match plugin.run_worker {
            // SAFETY: the contract; host and worker live as long as the process, the arguments until it returns.
            Some(run) => unsafe { run(&HOST, worker.raw(), &args) },
            None => poll_loop::run(worker, &self.fds, || {
                // SAFETY: as above.
                plugin.create.map_or(0, |create| unsafe { create(&HOST, worker.raw(), &args) })
            }),
        };
        // Nothing of the plugin's is called for it any more.
        worker.core.set_wake(None);
        worker.progress.returned(worker.index, code, worker.core.is_done());
    }
}

impl Worker {
    /// The worker behind a pointer of the plugin's, `None` for null.
    ///
    /// # Safety
    ///
    /// The pointer is null, or one that a plugin was given.
    pub(super) unsafe fn of(raw: *mut valor_worker) -> Option<&'static Self> {
        // SAFETY: the caller's promise, and workers are never freed.
        unsafe { raw.cast::<Self>().as_ref() }
    }

    fn raw(&'static self) -> *mut valor_worker {
        from_ref(self).cast_mut().cast()
    }

    pub(super) fn index(&self) -> usize {
        self.index
    }

    pub(super) fn pump(&'static self, index: usize) -> Pumped {
        guard(CLOSED, || self.core.pump(index, &mut Callbacks(self)))
    }

    pub(super) fn flush(&'static self) -> Pumped {
        guard(CLOSED, || self.core.flush(&mut Callbacks(self)))
    }

    /// The plugin says that it is created, or that it failed.
    pub(super) fn created(&self, status: c_int, message: String) {
        if self.index != 0 {
            return;
        }
        self.progress.created(match status {
            0 => Ok(()),
            status if message.is_empty() => Err(format!("the plugin's creation failed with {status}")),
            _ => Err(message),
        });
    }
}

/// The plugin's callbacks for one worker.
struct Callbacks(&'static Worker);

thread_local! {
    /// The field array of a request, which is used again.
    static FIELDS: RefCell<Vec<valor_field>> = const { RefCell::new(Vec::new()) };
}

impl Handler for Callbacks {
    fn on_request(&mut self, exchange: Exchange, head: &Head<'_>) {
        let Some(on_request) = self.0.plugin.get().and_then(|p| p.on_request) else {
            return;
        };
        let mut fields = FIELDS.take();
        fields.clear();
        fields
            .extend(head.fields().map(|(name, value)| valor_field { name: lend(name), value: lend(value) }));
        let request = valor_request {
            method: lend(head.method.as_bytes()),
            target: lend(head.target.as_bytes()),
            fields: fields.as_ptr(),
            field_count: fields.len(),
            block: lend(head.block),
            deadline_ms: head.deadline_ms,
            end: u32::from(head.end),
        };
        // SAFETY: the contract; the head lives during the call, the exchange until it is released.
        unsafe { on_request(&HOST, self.0.raw(), Handle::give(exchange), &request) };
        FIELDS.set(fields);
    }

    fn on_event(&mut self, user: usize, events: u32) {
        if let Some(on_event) = self.0.plugin.get().and_then(|p| p.on_event) {
            // SAFETY: the contract; the pointer is the plugin's own, and not released.
            unsafe { on_event(user_pointer(user), events) }
        }
    }

    fn on_release(&mut self, user: usize) {
        if let Some(on_release) = self.0.plugin.get().and_then(|p| p.on_release) {
            // SAFETY: as above, and this is the last time.
            unsafe { on_release(user_pointer(user)) }
        }
    }

    fn on_violation(&mut self, index: usize, violation: &Violation) {
        let message = format!("valord broke the protocol on data socket {index}: {violation}");
        super::host::say(LogLevel::Error, &message);
    }
}

/// The pointer that `set_user` or `fetch` was given.
fn user_pointer(user: usize) -> *mut c_void {
    with_exposed_provenance_mut(user)
}
