//! A worker: a current-thread runtime, the pump of its sockets, and a task for each request.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Builder;
use tokio::sync::Notify;
use valor_shim_core::program::Teller;
use valor_shim_core::serve::{self, Exchange, Handler, Head, Pumped};
use valor_shim_core::wire::control::LogLevel;
use valor_shim_core::wire::{Limits, ResetCode, Violation};

use super::Recipe;
use super::body::{Entry, Incoming};
use super::gate::Gates;
use super::ready::watch;
use super::request;

/// For files: of one worker.
const MAX_BLOCKING_THREADS: usize = 8;

/// Serves until all sockets are closed.
pub(super) fn run(recipe: &Arc<Recipe>, sockets: Vec<OwnedFd>, teller: &Teller) -> io::Result<()> {
    let runtime =
        Builder::new_current_thread().enable_all().max_blocking_threads(MAX_BLOCKING_THREADS).build()?;
    let twins = sockets.iter().map(OwnedFd::try_clone).collect::<io::Result<Vec<_>>>()?;
    let core = serve::Worker::new(sockets, Limits::default());
    core.bind();
    let wake = Arc::new(Notify::new());
    let own = Arc::clone(&wake);
    core.set_wake(Some(Box::new(move || own.notify_one())));
    let front =
        Front { recipe: Arc::clone(recipe), gates: Gates::new(Arc::clone(&core)), teller: teller.clone() };
    let result = runtime.block_on(pump(&core, twins, &wake, front));
    core.set_wake(None);
    runtime.shutdown_background();
    result
}

/// One socket of the worker.
struct Socket {
    fd: AsyncFd<OwnedFd>,
    open: bool,
}

/// Only readability is registered for good: a Unix socket wakes its writer each time the peer reads.
async fn pump(
    core: &Arc<serve::Worker>,
    fds: Vec<OwnedFd>,
    wake: &Notify,
    mut front: Front,
) -> io::Result<()> {
    let socket = |fd| watch(fd, Interest::READABLE).map(|fd| Socket { fd, open: true });
    let mut sockets = fds.into_iter().map(socket).collect::<io::Result<Vec<_>>>()?;
    while sockets.iter().any(|socket| socket.open) {
        let pumped = tokio::select! {
            () = wake.notified() => core.flush(&mut front),
            ready = readable(&sockets) => read(core, &mut sockets, ready?, &mut front).await?,
        };
        if pumped.want_write {
            unblock(core, &sockets, &mut front).await?;
        }
    }
    Ok(())
}

/// The first socket that can be read.
async fn readable(sockets: &[Socket]) -> io::Result<usize> {
    let mut waits: Vec<_> = sockets
        .iter()
        .enumerate()
        .filter(|(_, socket)| socket.open)
        .map(|(i, socket)| (i, Box::pin(socket.fd.readable())))
        .collect();
    std::future::poll_fn(|cx| {
        for (index, wait) in &mut waits {
            if let std::task::Poll::Ready(guard) = wait.as_mut().poll(cx) {
                return std::task::Poll::Ready(guard.map(|_| *index));
            }
        }
        std::task::Poll::Pending
    })
    .await
}

async fn read(
    core: &Arc<serve::Worker>,
    sockets: &mut [Socket],
    index: usize,
    front: &mut Front,
) -> io::Result<Pumped> {
    let mut guard = sockets[index].fd.readable().await?;
    let pumped = core.pump(index, front);
    if pumped.drained {
        guard.clear_ready();
    } else {
        drop(guard);
        // There is more; the requests go first.
        tokio::task::yield_now().await;
    }
    sockets[index].open = !pumped.closed;
    Ok(pumped)
}

/// Flushes again when a socket takes more, and reads meanwhile.
async fn unblock(core: &Arc<serve::Worker>, sockets: &[Socket], front: &mut Front) -> io::Result<()> {
    // A second registration, on duplicates, and only for as long as it takes.
    let twin = |socket: &Socket| watch(socket.fd.get_ref().try_clone()?, Interest::WRITABLE);
    let twins = sockets.iter().filter(|socket| socket.open).map(twin).collect::<io::Result<Vec<_>>>()?;
    let mut waits: Vec<_> = twins.iter().map(|twin| Box::pin(twin.writable())).collect();
    loop {
        std::future::poll_fn(|cx| {
            for (wait, twin) in waits.iter_mut().zip(&twins) {
                if let std::task::Poll::Ready(guard) = wait.as_mut().poll(cx) {
                    // Each change is seen once, so nothing spins while another is full.
                    if let Ok(mut guard) = guard {
                        guard.clear_ready();
                    }
                    wait.set(twin.writable());
                    return std::task::Poll::Ready(());
                }
            }
            std::task::Poll::Pending
        })
        .await;
        if !core.flush(front).want_write {
            return Ok(());
        }
    }
}

/// What the callbacks of the pump need.
struct Front {
    recipe: Arc<Recipe>,
    gates: Arc<Gates>,
    teller: Teller,
}

impl Handler for Front {
    fn on_request(&mut self, exchange: Exchange, head: &Head<'_>) {
        let number = self.gates.number();
        // Refused only when it is over already: it has no answer then.
        let _over: Result<(), serve::Refused> = exchange.set_user(number);
        let mut request = http::Request::builder().method(head.method).uri(head.target);
        for (name, value) in head.fields() {
            request = request.header(name, value);
        }
        if request.headers_ref().is_some_and(|fields| !fields.contains_key(http::header::HOST)) {
            request = request.header(http::header::HOST, "localhost");
        }
        let gate = self.gates.add(number, exchange);
        let entry = Entry { gates: Arc::clone(&self.gates), number };
        let body = Incoming::new(Arc::clone(&gate), head.end, None);
        match request.body(body) {
            Ok(request) => {
                let work = request::serve(
                    Arc::clone(&self.recipe),
                    Arc::clone(&self.gates),
                    gate,
                    request,
                    self.teller.clone(),
                );
                drop(tokio::spawn(async move {
                    let _entry = entry;
                    work.await;
                }));
            }
            Err(error) => {
                gate.exchange.reset(ResetCode::Refused, &format!("the request's head is invalid: {error}"));
            }
        }
    }

    fn on_event(&mut self, user: usize, events: u32) {
        self.gates.event(user, events);
    }

    fn on_release(&mut self, _user: usize) {}

    fn on_violation(&mut self, index: usize, violation: &Violation) {
        let message = format!("valord broke the protocol on data socket {index}: {violation}");
        self.teller.log().log(LogLevel::Error, "valor", &message);
    }
}
