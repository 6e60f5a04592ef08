//! A shim without a process, a daemon or a wire: the functions of the ABI over queues that the test fills.

use std::collections::VecDeque;
use std::ffi::{c_int, c_void};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::ptr::null_mut;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use valor_abi::*;

unsafe extern "C" {
    safe fn valor_plugin_entry() -> *const valor_plugin;
}

fn plugin() -> &'static valor_plugin {
    // SAFETY: the entry returns a static table.
    unsafe { &*valor_plugin_entry() }
}

/// State that one side changes and the other waits for.
pub(crate) struct Watched<T> {
    state: Mutex<T>,
    changed: Condvar,
}

impl<T> Watched<T> {
    fn new(state: T) -> Self {
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
        result
    }

    /// Waits until `ready` has something; the deadline is for a test that would hang.
    pub(crate) fn wait<R>(&self, what: &str, mut ready: impl FnMut(&mut T) -> Option<R>) -> R {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut state: MutexGuard<'_, T> = self.state.lock().unwrap();
        loop {
            if let Some(result) = ready(&mut state) {
                return result;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited too long for {what}");
            state = self.changed.wait_timeout(state, left).unwrap().0;
        }
    }
}

enum Action {
    Request(Arc<Exchange>, Request),
    Event(usize, u32),
    Close,
}

pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) fields: Vec<(&'static str, &'static str)>,
    pub(crate) end: bool,
}

#[derive(Default)]
pub(crate) struct WorkerState {
    actions: VecDeque<Action>,
    created: Option<Result<(), String>>,
    fetches: VecDeque<Arc<Exchange>>,
    wake: Option<(usize, usize)>,
    pub(crate) wakes: usize,
    /// How many flushes fill the socket and say that they could not write.
    pub(crate) blocked: usize,
}

pub(crate) struct Worker {
    pub(crate) state: Watched<WorkerState>,
    ours: UnixStream,
    theirs: UnixStream,
    config: String,
    index: u32,
}

#[derive(Default)]
pub(crate) struct ExchangeState {
    pub(crate) incoming: VecDeque<Bytes>,
    pub(crate) incoming_end: bool,
    pub(crate) status: Option<u32>,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) sent: Vec<Bytes>,
    pub(crate) ended: bool,
    pub(crate) credit: usize,
    pub(crate) cancelled: bool,
    pub(crate) reset: Option<String>,
    pub(crate) released: bool,
    pub(crate) target: String,
    pub(crate) parent: usize,
    user: usize,
    wants: u32,
}

pub(crate) struct Exchange {
    pub(crate) state: Watched<ExchangeState>,
    worker: Arc<Worker>,
    failure: Mutex<String>,
}

/// A worker that runs in a thread of its own.
pub(crate) struct Running {
    pub(crate) worker: Arc<Worker>,
    thread: Option<JoinHandle<c_int>>,
}

pub(crate) fn start(config: &str) -> Running {
    let (ours, theirs) = UnixStream::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    let worker = Arc::new(Worker {
        state: Watched::new(WorkerState::default()),
        ours,
        theirs,
        config: config.to_owned(),
        index: 0,
    });
    let thread = std::thread::spawn({
        let worker = worker.clone();
        move || {
            let fds = [worker.theirs.as_raw_fd()];
            let args = valor_worker_args {
                index: worker.index,
                count: 1,
                fds: fds.as_ptr(),
                fd_count: 1,
                config: text(&worker.config),
                name: text("fake"),
            };
            let raw = Arc::as_ptr(&worker).cast_mut().cast();
            // SAFETY: everything outlives the call.
            unsafe { plugin().run_worker.unwrap()(&HOST, raw, &args) }
        }
    });
    Running { worker, thread: Some(thread) }
}

impl Running {
    pub(crate) fn created(&self) -> Result<(), String> {
        self.worker.state.wait("created", |state| state.created.clone())
    }

    pub(crate) fn request(&self, target: &str) -> Arc<Exchange> {
        let request =
            Request { method: "GET", target: target.to_owned(), fields: vec![("host", "fake")], end: true };
        self.send(request)
    }

    pub(crate) fn send(&self, request: Request) -> Arc<Exchange> {
        let exchange = Exchange::new(&self.worker);
        exchange.state.change(|state| {
            state.credit = 1 << 20;
            state.incoming_end = request.end;
        });
        self.worker.act(Action::Request(exchange.clone(), request));
        exchange
    }

    pub(crate) fn next_fetch(&self) -> Arc<Exchange> {
        self.worker.state.wait("a fetch", |state| state.fetches.pop_front())
    }

    /// Reads what a blocked flush has filled the socket with.
    pub(crate) fn drain(&self) {
        self.worker.ours.set_nonblocking(true).unwrap();
        while (&self.worker.ours).read(&mut [0; 65536]).is_ok_and(|n| n > 0) {}
        self.worker.ours.set_nonblocking(false).unwrap();
    }

    /// Closes the descriptor and waits for the worker.
    pub(crate) fn end(mut self) -> c_int {
        self.worker.act(Action::Close);
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Worker {
    fn act(&self, action: Action) {
        self.state.change(|state| state.actions.push_back(action));
        (&self.ours).write_all(&[0]).unwrap();
    }
}

impl Exchange {
    fn new(worker: &Arc<Worker>) -> Arc<Self> {
        let state = Watched::new(ExchangeState::default());
        Arc::new(Self { state, worker: worker.clone(), failure: Mutex::default() })
    }

    /// Changes the state and tells the plugin about it, if it waits for one of `events`.
    pub(crate) fn tell(&self, events: u32, change: impl FnOnce(&mut ExchangeState)) {
        let (user, due) = self.state.change(|state| {
            change(state);
            let due = events & (state.wants | VALOR_EVENT_CANCELLED);
            state.wants &= !due;
            if state.user == 0 || state.released {
                state.wants |= due;
                return (0, 0);
            }
            (state.user, due)
        });
        if due != 0 {
            self.worker.act(Action::Event(user, due));
        }
    }

    pub(crate) fn body(&self, part: impl Into<Bytes>) {
        let part = part.into();
        self.tell(VALOR_EVENT_READABLE, |state| state.incoming.push_back(part));
    }

    pub(crate) fn body_end(&self) {
        self.tell(VALOR_EVENT_READABLE, |state| state.incoming_end = true);
    }

    pub(crate) fn cancel(&self, reason: &str) {
        *self.failure.lock().unwrap() = reason.to_owned();
        self.tell(VALOR_EVENT_CANCELLED, |state| state.cancelled = true);
    }

    pub(crate) fn status(&self) -> u32 {
        self.state.wait("a head", |state| state.status)
    }

    /// The whole answer's body.
    pub(crate) fn text(&self) -> String {
        self.state
            .wait("the end", |state| state.ended.then(|| String::from_utf8(state.sent.concat()).unwrap()))
    }

    /// Waits until the plugin waits for more of the body.
    pub(crate) fn wait_reading(&self) {
        self.state.wait("a reader", |state| (state.wants & VALOR_EVENT_READABLE != 0).then_some(()));
    }

    pub(crate) fn wait_reset(&self) -> String {
        self.state.wait("a reset", |state| state.reset.clone())
    }

    pub(crate) fn wait_released(&self) {
        self.state.wait("the release", |state| state.released.then_some(()));
    }
}

fn text(text: &str) -> valor_str {
    valor_str { ptr: text.as_ptr(), len: text.len() }
}

fn read_str(text: valor_str) -> String {
    if text.len == 0 {
        return String::new();
    }
    // SAFETY: valid for the call.
    String::from_utf8_lossy(unsafe { std::slice::from_raw_parts(text.ptr, text.len) }).into_owned()
}

fn take_bytes(bytes: valor_bytes) -> Bytes {
    let copy = if bytes.len == 0 {
        Bytes::new()
    } else {
        // SAFETY: valid until released.
        Bytes::copy_from_slice(unsafe { std::slice::from_raw_parts(bytes.ptr, bytes.len) })
    };
    if let Some(release) = bytes.release {
        // SAFETY: once, by whom they were given to.
        unsafe { release(bytes.context) };
    }
    copy
}

fn worker<'a>(raw: *mut valor_worker) -> &'a Worker {
    // SAFETY: `start` keeps it alive.
    unsafe { &*raw.cast::<Worker>() }
}

fn exchange<'a>(raw: *mut valor_exchange) -> &'a Exchange {
    // SAFETY: the plugin holds one count of it until it releases it.
    unsafe { &*raw.cast::<Exchange>() }
}

unsafe extern "C" fn pump(raw: *mut valor_worker, index: usize) -> c_int {
    assert_eq!(index, 0);
    let worker = worker(raw);
    let mut buffer = [0; 64];
    while (&worker.theirs).read(&mut buffer).is_ok_and(|n| n > 0) {}
    while let Some(action) = worker.state.change(|state| state.actions.pop_front()) {
        match action {
            Action::Close => return VALOR_PUMP_CLOSED | VALOR_PUMP_DRAINED,
            // SAFETY: `user` was given by the plugin and not forgotten since.
            Action::Event(user, events) => unsafe { plugin().on_event.unwrap()(user as *mut c_void, events) },
            Action::Request(exchange, request) => {
                let block = request.fields.iter().map(|f| f.1).collect::<String>() + &request.target;
                let mut at = 0;
                let fields: Vec<_> = request
                    .fields
                    .iter()
                    .map(|(name, value)| {
                        at += value.len();
                        valor_field { name: text(name), value: text(&block[at - value.len()..at]) }
                    })
                    .collect();
                let head = valor_request {
                    method: text(request.method),
                    target: text(&block[at..]),
                    fields: fields.as_ptr(),
                    field_count: fields.len(),
                    block: text(&block),
                    deadline_ms: 1000,
                    end: u32::from(request.end),
                };
                let exchange = Arc::into_raw(exchange).cast_mut().cast();
                // SAFETY: the head is valid for the call, the exchange until it is released.
                unsafe { plugin().on_request.unwrap()(&HOST, raw, exchange, &head) }
            }
        }
    }
    VALOR_PUMP_DRAINED
}

unsafe extern "C" fn flush(raw: *mut valor_worker) -> c_int {
    let worker = worker(raw);
    worker.state.change(|state| {
        state.blocked = state.blocked.saturating_sub(1);
        if state.blocked == 0 {
            return 0;
        }
        while (&worker.theirs).write(&[0; 4096]).is_ok_and(|n| n > 0) {}
        VALOR_PUMP_WANT_WRITE
    })
}

unsafe extern "C" fn set_wake(
    raw: *mut valor_worker,
    wake: Option<unsafe extern "C" fn(*mut c_void)>,
    context: *mut c_void,
) {
    worker(raw).state.change(|state| state.wake = wake.map(|wake| (wake as usize, context as usize)));
}

unsafe extern "C" fn created(raw: *mut valor_worker, status: c_int, message: valor_str) {
    let result = if status == 0 { Ok(()) } else { Err(read_str(message)) };
    worker(raw).state.change(|state| state.created = Some(result));
}

unsafe extern "C" fn set_user(raw: *mut valor_exchange, user: *mut c_void) -> c_int {
    let exchange = exchange(raw);
    let cancelled = exchange.state.change(|state| {
        state.user = user as usize;
        state.wants |= VALOR_EVENT_CANCELLED;
        state.cancelled
    });
    if cancelled {
        exchange.tell(VALOR_EVENT_CANCELLED, |_| {});
    }
    VALOR_OK
}

unsafe extern "C" fn respond(
    raw: *mut valor_exchange,
    head: *const valor_response,
    body: valor_bytes,
    flags: u32,
) -> c_int {
    // SAFETY: valid for the call.
    let head = unsafe { &*head };
    if !(200..600).contains(&head.status) {
        return VALOR_INVALID;
    }
    let fields = if head.field_count == 0 {
        &[][..]
    } else {
        // SAFETY: valid for the call.
        unsafe { std::slice::from_raw_parts(head.fields, head.field_count) }
    };
    exchange(raw).state.change(|state| {
        state.status = Some(head.status);
        state.fields = fields.iter().map(|f| (read_str(f.name), read_str(f.value))).collect();
        state.sent.push(take_bytes(body));
        state.ended = flags & VALOR_FLAG_END != 0;
    });
    wake(&exchange(raw).worker);
    VALOR_OK
}

/// As the shim does when something is queued outside of `pump`; here always, which is legal.
fn wake(worker: &Worker) {
    let wake = worker.state.change(|state| {
        state.wakes += 1;
        state.wake
    });
    if let Some((wake, context)) = wake {
        // SAFETY: what `set_wake` was given.
        let wake: unsafe extern "C" fn(*mut c_void) = unsafe { std::mem::transmute(wake) };
        // SAFETY: as above.
        unsafe { wake(context as *mut c_void) };
    }
}

unsafe extern "C" fn read(raw: *mut valor_exchange, out: *mut valor_bytes) -> c_int {
    unsafe extern "C" fn release(context: *mut c_void) {
        // SAFETY: made below, released once.
        drop(unsafe { Box::from_raw(context.cast::<Bytes>()) });
    }
    exchange(raw).state.change(|state| {
        if state.cancelled {
            return VALOR_CANCELLED;
        }
        match state.incoming.pop_front() {
            Some(part) => {
                let (ptr, len) = (part.as_ptr(), part.len());
                let context = Box::into_raw(Box::new(part)).cast();
                // SAFETY: `out` is valid for the call.
                unsafe { *out = valor_bytes { ptr, len, release: Some(release), context } };
                VALOR_OK
            }
            None if state.incoming_end => VALOR_END,
            None => {
                state.wants |= VALOR_EVENT_READABLE;
                VALOR_PENDING
            }
        }
    })
}

unsafe extern "C" fn write(raw: *mut valor_exchange, body: valor_bytes, flags: u32) -> c_int {
    let code = exchange(raw).state.change(|state| {
        assert!(!state.ended, "written after the end");
        if state.cancelled {
            drop(take_bytes(body));
            return VALOR_CANCELLED;
        }
        if body.len > state.credit {
            state.wants |= VALOR_EVENT_WRITABLE;
            return VALOR_PENDING;
        }
        state.credit -= body.len;
        state.sent.push(take_bytes(body));
        state.ended = flags & VALOR_FLAG_END != 0;
        VALOR_OK
    });
    wake(&exchange(raw).worker);
    code
}

unsafe extern "C" fn reset(raw: *mut valor_exchange, code: u32, reason: valor_str) {
    assert_eq!(code, VALOR_RESET_FAILED);
    exchange(raw).state.change(|state| state.reset = Some(read_str(reason)));
}

unsafe extern "C" fn stop(_exchange: *mut valor_exchange) {}

unsafe extern "C" fn release(raw: *mut valor_exchange) {
    // SAFETY: the plugin's count.
    let exchange = unsafe { Arc::from_raw(raw.cast::<Exchange>()) };
    let user = exchange.state.change(|state| {
        assert!(!state.released, "released twice");
        state.released = true;
        std::mem::take(&mut state.user)
    });
    if user != 0 {
        // Events that are under way for it must not come any more.
        let stale = |action: &Action| !matches!(action, Action::Event(other, _) if *other == user);
        exchange.worker.state.change(|state| state.actions.retain(stale));
        // SAFETY: it was given, and is forgotten now.
        unsafe { plugin().on_release.unwrap()(user as *mut c_void) };
    }
}

unsafe extern "C" fn fetch(
    raw: *mut valor_worker,
    parent: *mut valor_exchange,
    head: *const valor_request,
    body: valor_bytes,
    flags: u32,
    user: *mut c_void,
    out: *mut *mut valor_exchange,
) -> c_int {
    // SAFETY: valid for the call.
    let target = read_str(unsafe { (*head).target });
    if target.contains("invalid") {
        return VALOR_INVALID;
    }
    if target.contains("limit") {
        drop(take_bytes(body));
        return VALOR_LIMIT;
    }
    // SAFETY: `start` has made it of an `Arc`.
    unsafe { Arc::increment_strong_count(raw.cast::<Worker>()) };
    // SAFETY: as above.
    let worker = unsafe { Arc::from_raw(raw.cast::<Worker>()) };
    let exchange = Exchange::new(&worker);
    exchange.state.change(|state| {
        state.target = target;
        state.parent = parent as usize;
        state.user = user as usize;
        state.credit = 1 << 20;
        state.sent.push(take_bytes(body));
        state.ended = flags & VALOR_FLAG_END != 0;
    });
    // SAFETY: valid for the call.
    unsafe { *out = Arc::into_raw(exchange.clone()).cast_mut().cast() };
    worker.state.change(|state| state.fetches.push_back(exchange));
    VALOR_OK
}

unsafe extern "C" fn response(raw: *mut valor_exchange, out: *mut valor_response) -> c_int {
    exchange(raw).state.change(|state| match state.status {
        _ if state.cancelled => VALOR_CANCELLED,
        None => {
            state.wants |= VALOR_EVENT_RESPONSE;
            VALOR_PENDING
        }
        Some(status) => {
            let end = u32::from(state.incoming_end && state.incoming.is_empty());
            // SAFETY: valid for the call.
            unsafe { *out = valor_response { status, end, fields: null_mut(), field_count: 0 } };
            VALOR_OK
        }
    })
}

unsafe extern "C" fn failure(raw: *mut valor_exchange) -> valor_str {
    text(&exchange(raw).failure.lock().unwrap())
}

unsafe extern "C" fn log(level: u32, target: valor_str, message: valor_str) {
    LOG.lock().unwrap().push(format!("{level} {} {}", read_str(target), read_str(message)));
}

/// What was logged in this process.
pub(crate) static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());

static HOST: valor_host = valor_host {
    abi: VALOR_ABI_VERSION,
    size: size_of::<valor_host>() as u32,
    pump,
    flush,
    set_wake,
    created,
    set_user,
    respond,
    read,
    write,
    reset,
    stop,
    release,
    fetch,
    response,
    failure,
    log,
};
