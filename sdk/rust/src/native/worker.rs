//! One worker: a current-thread runtime with a `LocalSet`, and the shim's pump in it.

use std::cell::{OnceCell, RefCell};
use std::ffi::c_int;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::select_all;
use futures_util::{FutureExt, TryFutureExt};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Builder;
use tokio::sync::Notify;
use tokio::task::{LocalSet, spawn_local, yield_now};
use valor_abi::{
    VALOR_PUMP_CLOSED, VALOR_PUMP_DRAINED, VALOR_PUMP_WANT_WRITE, valor_exchange, valor_host, valor_request,
    valor_worker, valor_worker_args,
};

use super::bytes::borrow;
use super::exchange::{Exchange, Incoming};
use super::host::{Host, Worker};
use super::{Created, Instance, head, job};
use crate::http::{Body, BoxError};
use crate::outgoing::Outgoing as _;
use crate::plugin::Serve;
use crate::test::panic_text;
use crate::{Context, VluginConfig};

/// What `run_worker` was called with.
pub(super) struct Args {
    worker: Worker,
    index: u32,
    fds: Vec<RawFd>,
    config: Option<VluginConfig>,
    name: String,
}

impl Args {
    /// # Safety
    ///
    /// The pointers are valid, the host's for the life of the process.
    pub(super) unsafe fn new(
        host: *const valor_host,
        raw: *mut valor_worker,
        args: *const valor_worker_args,
    ) -> Result<Self, BoxError> {
        // SAFETY: the caller's promise.
        let host = unsafe { Host::new(host) }?;
        // SAFETY: the caller's promise.
        let args = unsafe { args.as_ref() }.ok_or("run_worker was called without arguments")?;
        let fds = if args.fd_count == 0 {
            Vec::new()
        } else {
            // SAFETY: the caller's promise; not empty, so not null.
            unsafe { std::slice::from_raw_parts(args.fds, args.fd_count) }.to_vec()
        };
        // SAFETY: the caller's promise.
        let config = match unsafe { borrow(args.config) } {
            b"" => None,
            json => Some(serde_json::from_slice(json)?).filter(|config: &VluginConfig| !config.is_null()),
        };
        // SAFETY: the caller's promise.
        let name = String::from_utf8_lossy(unsafe { borrow(args.name) }).into_owned();
        Ok(Self { worker: Worker { host, raw }, index: args.index, fds, config, name })
    }
}

/// This thread's worker.
pub(super) struct Current {
    worker: Worker,
    serve: OnceCell<Rc<dyn Serve>>,
    /// The shim wants to write and cannot.
    blocked: Notify,
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Current>>> = const { RefCell::new(None) };
}

/// Of one worker; tokio's own bound would let clients that are slow use up the plugin's memory for stacks alone.
const MAX_BLOCKING_THREADS: usize = 32;

/// The workers of the process, for fetches from threads that are none.
static WORKERS: RwLock<Vec<Anywhere>> = RwLock::new(Vec::new());

struct Anywhere(Worker);

// SAFETY: only `fetch` is called through it, which is legal from any thread.
unsafe impl Send for Anywhere {}
// SAFETY: as above.
unsafe impl Sync for Anywhere {}

/// Calls `with` with this thread's worker, or with one that stays alive meanwhile.
pub(super) fn with_worker<T>(with: impl FnOnce(Worker) -> T) -> Option<T> {
    if let Some(worker) = CURRENT.with_borrow(|current| current.as_ref().map(|current| current.worker)) {
        return Some(with(worker));
    }
    let workers = WORKERS.read().unwrap_or_else(PoisonError::into_inner);
    workers.first().map(|Anywhere(worker)| with(*worker))
}

/// Runs a worker until all of its descriptors are closed.
pub(super) fn run(args: &Args, instance: &'static Instance) -> Result<c_int, BoxError> {
    let runtime =
        Builder::new_current_thread().enable_all().max_blocking_threads(MAX_BLOCKING_THREADS).build()?;
    let local = LocalSet::new();
    let worker = args.worker;
    let current = Rc::new(Current { worker, serve: OnceCell::new(), blocked: Notify::new() });
    CURRENT.set(Some(current.clone()));
    WORKERS.write().unwrap_or_else(PoisonError::into_inner).push(Anywhere(worker));
    let result = local.block_on(&runtime, serve(args, current, instance));
    WORKERS.write().unwrap_or_else(PoisonError::into_inner).retain(|Anywhere(other)| other.raw != worker.raw);
    if args.index == 0 {
        instance.set(None);
    }
    // First the tasks, then what they use; blocking threads are left to the end of the process.
    drop(local);
    runtime.shutdown_background();
    CURRENT.take();
    result
}

async fn serve(args: &Args, current: Rc<Current>, instance: &'static Instance) -> Result<c_int, BoxError> {
    let worker = current.worker;
    // The shim may call it from any thread until the end, so it is never freed: one a worker.
    let wake: &'static Notify = Box::leak(Box::new(Notify::new()));
    worker.set_wake(wake);
    let fds = args.fds.iter().copied().enumerate();
    let pumps: Vec<_> = fds.map(|(i, fd)| spawn_local(pump(current.clone(), i, fd))).collect();
    drop(spawn_local(flush(current.clone(), wake)));
    drop(spawn_local(unblock(current.clone(), args.fds.clone())));

    // The pumps run already: `on_create` may fetch. But no request comes before `created` is told.
    if args.index == 0
        && let Err(reason) = create(args, instance).await
    {
        worker.created(Err(&reason));
        return Ok(1);
    }
    let created = instance.get().ok_or("worker 0 has not created the plugin")?;
    drop(current.serve.set(created.define.worker(created.cx)));
    if args.index == 0 {
        worker.created(Ok(()));
    }
    for pump in pumps {
        pump.await??;
    }
    worker.clear_wake();
    Ok(0)
}

async fn create(args: &Args, instance: &'static Instance) -> Result<(), String> {
    let mut cx = Context::new(&args.name, args.config.clone());
    let creation = async {
        let mut define = (instance.make)().0;
        define.create(&mut cx).await?;
        Ok(define)
    };
    match AssertUnwindSafe(creation).catch_unwind().await {
        Ok(Ok(define)) => {
            instance.set(Some(Created { define: define.into(), cx: cx.into() }));
            Ok(())
        }
        Ok(Err(reason)) => Err(reason),
        Err(panic) => Err(format!("panicked: {}", panic_text(&*panic))),
    }
}

/// Pumps descriptor `index` whenever it is readable. Only readability is registered: a Unix socket wakes its writer each time the
/// peer reads.
async fn pump(current: Rc<Current>, index: usize, fd: RawFd) -> std::io::Result<()> {
    // SAFETY: the shim keeps it open until `run_worker` has returned, and `Lent` always names it.
    let fd = unsafe { AsyncFd::register_with_interest(Lent(fd), Interest::READABLE) }?;
    loop {
        let mut guard = fd.readable().await?;
        let bits = current.worker.pump(index);
        if wants_write(bits) {
            current.blocked.notify_one();
        }
        if bits < 0 || bits & VALOR_PUMP_CLOSED != 0 {
            return Ok(());
        }
        if bits & VALOR_PUMP_DRAINED != 0 {
            guard.clear_ready();
        } else {
            // There is more; the handlers go first.
            yield_now().await;
        }
    }
}

/// Flushes what was queued outside of `pump`.
async fn flush(current: Rc<Current>, wake: &'static Notify) {
    loop {
        wake.notified().await;
        if wants_write(current.worker.flush()) {
            current.blocked.notify_one();
        }
    }
}

/// Flushes again, when the shim could not write, as descriptors become writable.
async fn unblock(current: Rc<Current>, fds: Vec<RawFd>) {
    loop {
        current.blocked.notified().await;
        // A second registration, on duplicates, and only for as long as it takes.
        let twins: Vec<_> = fds.iter().filter_map(|fd| twin(*fd).ok()).collect();
        loop {
            // Each change is seen once: one that was never full is writable at once, and not again. So nothing spins
            // while another is full, and none waits for another.
            let changes = twins
                .iter()
                .map(|twin| twin.writable().map_ok(|mut guard| guard.clear_ready()).boxed_local());
            if twins.len() == fds.len() && !twins.is_empty() {
                drop(select_all(changes).await);
            } else {
                // No descriptor is left for a duplicate.
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            if !wants_write(current.worker.flush()) {
                break;
            }
        }
    }
}

fn twin(fd: RawFd) -> std::io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: it belongs to the shim, which keeps it open until `run_worker` has returned.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned()?;
    // SAFETY: an `OwnedFd` stays open and the same while the `AsyncFd` owns it.
    Ok(unsafe { AsyncFd::register_with_interest(fd, Interest::WRITABLE) }?)
}

fn wants_write(bits: c_int) -> bool {
    bits >= 0 && bits & VALOR_PUMP_WANT_WRITE != 0
}

/// A descriptor of the shim's, which we never close.
struct Lent(RawFd);

impl AsRawFd for Lent {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

/// `on_request` of the ABI.
pub(super) unsafe extern "C" fn on_request(
    host: *const valor_host,
    _worker: *mut valor_worker,
    exchange: *mut valor_exchange,
    request: *const valor_request,
) {
    // Nothing may unwind into the shim. Handlers have a net of their own; this one is for the SDK.
    let caught = std::panic::catch_unwind(|| {
        // SAFETY: the shim's own host.
        let Ok(host) = (unsafe { Host::new(host) }) else {
            return;
        };
        let exchange = Exchange::new(host, exchange);
        // SAFETY: valid during the call.
        let head = unsafe { &*request };
        let body = if head.end == 0 { Body::new(Incoming::new(exchange.clone())) } else { Body::empty() };
        // SAFETY: valid during the call.
        let request = match unsafe { head::request(head, body) } {
            Ok(request) => request,
            Err(error) => return exchange.fail(&format!("the request head cannot be read: {error}")),
        };
        let Some(current) = CURRENT.with_borrow(Clone::clone) else {
            return exchange.fail("on_request was called on a thread that is no worker");
        };
        let Some(serve) = current.serve.get() else {
            return exchange.fail("the plugin is not created yet");
        };
        job::begin(serve, &exchange, request);
    });
    drop(caught);
}
