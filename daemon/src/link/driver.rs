//! The task of a link: reads, has what came handed out, and writes what was queued.

use std::io::{self, IoSlice};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures_util::future::poll_fn;
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use valor_wire::ReadSize;

use super::{Ended, Link, LinkFailureKind, State};

/// Read at once at least.
const READ: usize = 32 * 1024;

/// Segments written at once.
const SLICES: usize = 32;

/// Reads in a row before others get their turn.
const READS: usize = 16;

impl Link {
    /// Drives the socket until the link is over.
    pub(crate) async fn drive(self: Rc<Self>, socket: UnixStream) -> Ended {
        let ended = match Driver::new(socket) {
            Ok(mut driver) => {
                let clock = tokio::task::spawn_local(Rc::clone(&self).clock());
                let ended = poll_fn(|cx| match self.ended() {
                    Some(ended) => Poll::Ready(ended),
                    None => match driver.read(&self, cx).and_then(|()| driver.write(&self, cx)) {
                        Ok(()) => Poll::Pending,
                        Err(kind) => Poll::Ready(Ended::Failed(kind)),
                    },
                })
                .await;
                clock.abort();
                ended
            }
            Err(error) => {
                tracing::error!(plugin = %self.plugin.name, %error, "cannot register a data socket");
                Ended::Failed(LinkFailureKind::Closed)
            }
        };
        self.end(ended.clone());
        ended
    }
}

#[expect(
    deprecated,
    reason = "its successor is unsafe for types that may change their descriptor; this one owns it"
)]
fn register(socket: UnixStream, interest: Interest) -> io::Result<AsyncFd<UnixStream>> {
    AsyncFd::with_interest(socket, interest)
}

struct Driver {
    socket: AsyncFd<UnixStream>,
    size: ReadSize,
    /// A second registration while the socket is full. One for both would wake us whenever the peer reads.
    writable: Option<AsyncFd<UnixStream>>,
    wakers: Vec<Waker>,
}

impl Driver {
    fn new(socket: UnixStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let socket = register(socket, Interest::READABLE)?;
        Ok(Self { socket, size: ReadSize::new(READ), writable: None, wakers: Vec::new() })
    }

    fn read(&mut self, link: &Rc<Link>, cx: &mut Context<'_>) -> Result<(), LinkFailureKind> {
        for _ in 0..READS {
            let mut guard = match self.socket.poll_read_ready(cx) {
                Poll::Pending => return self.registered(link, cx),
                Poll::Ready(guard) => guard.map_err(|_| LinkFailureKind::Closed)?,
            };
            let mut state = link.state.borrow_mut();
            let space = state.conn.space(self.size.get());
            let room = space.capacity() - space.len();
            let read = rustix::io::read(guard.get_inner(), rustix::buffer::spare_capacity(space));
            match read {
                Ok(0) => return Err(LinkFailureKind::Closed),
                Ok(n) => {
                    // Less than asked for: a stream socket is empty then, and will tell when it is not.
                    if self.size.note(n, room) {
                        guard.clear_ready();
                    }
                }
                Err(Errno::AGAIN) => {
                    guard.clear_ready();
                    continue;
                }
                Err(Errno::INTR) => continue,
                Err(_) => return Err(LinkFailureKind::Closed),
            }
            let result = state.events(link, &mut self.wakers);
            drop(state);
            self.wakers.drain(..).for_each(Waker::wake);
            result?;
        }
        cx.waker().wake_by_ref();
        self.registered(link, cx)
    }

    /// Lets senders wake this task.
    fn registered(&self, link: &Link, cx: &Context<'_>) -> Result<(), LinkFailureKind> {
        let mut state = link.state.borrow_mut();
        match &mut state.driver {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Ok(())
    }

    fn write(&mut self, link: &Link, cx: &mut Context<'_>) -> Result<(), LinkFailureKind> {
        loop {
            if let Some(writable) = &self.writable {
                match writable.poll_write_ready(cx) {
                    Poll::Pending => return Ok(()),
                    Poll::Ready(guard) => guard.map_err(|_| LinkFailureKind::Closed)?.clear_ready(),
                }
            }
            let mut state = link.state.borrow_mut();
            let written = {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let filled = state.conn.outbox().slices(&mut slices);
                if filled == 0 {
                    drop(state);
                    self.writable = None;
                    return Ok(());
                }
                rustix::io::writev(self.socket.get_ref(), &slices[..filled])
            };
            match written {
                Ok(n) => {
                    state.conn.written(n);
                    state.sent += n as u64;
                    self.uncongest(&mut state);
                    drop(state);
                    self.wakers.drain(..).for_each(Waker::wake);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    drop(state);
                    if self.writable.is_none() {
                        let second = self.socket.get_ref().try_clone();
                        let second = second.and_then(|s| register(s, Interest::WRITABLE));
                        self.writable = Some(second.map_err(|_| LinkFailureKind::Closed)?);
                    }
                }
                Err(_) => return Err(LinkFailureKind::Closed),
            }
        }
    }

    fn uncongest(&mut self, state: &mut State) {
        if state.congested && state.conn.outbox().len() < state.conn.limits().max_queued {
            state.congested = false;
            self.wakers.extend(state.table.iter_mut().filter_map(|(_, stream)| stream.writer.take()));
        }
    }
}
