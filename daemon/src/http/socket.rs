//! A client's socket: what hyper reads and writes.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::HttpOptions;
use super::connection::Connection;
use super::scan::{Bad, Refused, Scanner};

/// Of requests that wait for the answers before them, in bytes.
const MAX_WAITING: usize = 64 * 1024;

/// An answer up to this size is written in one piece: to gather it costs less than having the kernel do it.
const GATHER: usize = 1024;

/// The socket of a client; hyper sees it through `TokioIo`.
pub(crate) struct ClientSocket {
    stream: TcpStream,
    scanner: Scanner,
    /// What hyper may have, where it is not what was read.
    out: Vec<u8>,
    /// What it has of that.
    taken: usize,
    connection: Rc<Connection>,
}

impl ClientSocket {
    pub(crate) fn new(stream: TcpStream, connection: Rc<Connection>, options: &HttpOptions) -> Self {
        Self { stream, scanner: Scanner::new(options), out: Vec::new(), taken: 0, connection }
    }

    fn wrote<T>(&self, result: Poll<T>) -> Poll<T> {
        self.connection.wrote(result.is_pending());
        result
    }

    fn give_up(&mut self, bad: Bad) {
        self.scanner.give_up(bad, &mut self.out);
        self.note();
    }

    fn note(&self) {
        self.connection.read(self.scanner.in_head(), self.scanner.waiting() > 0, self.scanner.refused());
    }

    /// Hands out what is there.
    fn take(&mut self, buf: &mut ReadBuf<'_>) {
        let rest = &self.out[self.taken..];
        let n = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..n]);
        self.taken += n;
        if self.taken == self.out.len() {
            self.out = Vec::new();
            self.taken = 0;
        }
    }
}

impl AsyncRead for ClientSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if !this.out.is_empty() {
                this.take(buf);
                return Poll::Ready(Ok(()));
            }
            match this.scanner.refused() {
                // The body has ended here.
                Some(Refused { in_body: true, .. }) => return Poll::Ready(Ok(())),
                // The answer ends the connection; an end of what is read would forestall it.
                Some(_) => return Poll::Pending,
                None => {}
            }
            if this.connection.head_is_due() && this.scanner.in_head() {
                this.give_up(Bad::HeadTimeout);
                continue;
            }
            if this.scanner.answered(this.connection.answered(), &mut this.out) {
                this.note();
                continue;
            }
            // The answer before it wakes this.
            if this.scanner.waiting() >= MAX_WAITING {
                return Poll::Pending;
            }
            let before = buf.filled().len();
            ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
            let read = &buf.filled()[before..];
            if read.is_empty() && this.scanner.in_head() {
                this.give_up(Bad::Cut);
                continue;
            }
            let as_it_is = read.is_empty() || this.scanner.scan(read, &mut this.out);
            this.note();
            if as_it_is {
                return Poll::Ready(Ok(()));
            }
            buf.set_filled(before);
        }
    }
}

impl AsyncWrite for ClientSocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wrote(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        // Twice does no harm.
        ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        if !this.connection.lingers() {
            return Poll::Ready(Ok(()));
        }
        let mut scratch = [0; 4096];
        loop {
            let mut buf = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => {}
                _ => return Poll::Ready(Ok(())),
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.stream);
        let written = if bufs.iter().map(|buf| buf.len()).sum::<usize>() <= GATHER {
            stream.poll_write(cx, gather(bufs, &mut [0; GATHER]))
        } else {
            stream.poll_write_vectored(cx, bufs)
        };
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// All of `bufs` in one piece, for which there is room.
fn gather<'a>(bufs: &[io::IoSlice<'_>], into: &'a mut [u8; GATHER]) -> &'a [u8] {
    let mut len = 0;
    for buf in bufs {
        into[len..len + buf.len()].copy_from_slice(buf);
        len += buf.len();
    }
    &into[..len]
}
