//! The scanner beside hyper: what neither refuses is framed by the letter.

use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;

use super::framing::{self, Framed};
use crate::http::HttpOptions;
use crate::http::line::Bad;
use crate::http::scan::{Refused, Scanner};

/// A client's connection: the first byte says in what pieces it arrives.
///
/// # Panics
///
/// When hyper hands on a request that the scanner lets pass and that is framed otherwise by the letter, when a body that is
/// refused seems whole, or when what passes depends on the pieces or on when requests are answered.
pub fn scan(input: &[u8]) {
    let Some((&step, bytes)) = input.split_first() else { return };
    let (passed, refused) = scanned(bytes, bytes.len().max(1), false);
    for one_by_one in [false, true] {
        let pieces = scanned(bytes, usize::from(step).max(1), one_by_one);
        // A line that is bad for two reasons may be told by either.
        let place = |refused: Option<Refused>| refused.map(|refused| (refused.request, refused.in_body));
        assert_eq!(
            (&passed, place(refused)),
            (&pieces.0, place(pieces.1)),
            "in pieces of {step}, {one_by_one}: {refused:?}, {:?}",
            pieces.1
        );
    }
    // HTTP/2 is not for this reader.
    if bytes.starts_with(b"PRI * HTTP/2.0") {
        return;
    }
    let letter = framing::read(bytes);
    let framed_twice = |bad| matches!(bad, Bad::RepeatedLength | Bad::LengthAndCoding);
    if let Some(refused) = refused.filter(|refused| framed_twice(refused.bad)) {
        assert!(letter.get(index(refused.request)).is_none(), "{refused:?} is in order");
    }
    for (number, request) in (1..).zip(served(&passed)) {
        let refused = refused.filter(|refused| refused.request == number);
        if refused.is_some_and(|refused| !refused.in_body) {
            // Stands for the refused one, and is answered with 400.
            break;
        }
        let Some(expected) = letter.get(index(number)) else {
            panic!("hyper hands on {request:?} as request {number}, which is not framed by the letter");
        };
        assert_eq!((&request.method, request.fields), (&expected.method, expected.fields), "head {number}");
        assert!(request.body.is_none() || refused.is_none(), "{refused:?} seems whole: {request:?}");
        // A body that hyper cannot read ends the connection.
        assert!(request.body.is_none() || request.body == expected.body, "{request:?} is {expected:?}");
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number - 1).unwrap_or(usize::MAX)
}

/// What goes to hyper, and what does not; requests are answered at once, or each only when the next one waits.
fn scanned(bytes: &[u8], step: usize, one_by_one: bool) -> (Vec<u8>, Option<Refused>) {
    let mut scanner = Scanner::new(&HttpOptions::default());
    let mut answered = if one_by_one { 0 } else { u64::MAX };
    let mut passed = Vec::new();
    let mut out = Vec::new();
    scanner.answered(answered, &mut out);
    for piece in bytes.chunks(step) {
        if scanner.scan(piece, &mut passed) {
            passed.extend_from_slice(piece);
        }
        while one_by_one && scanner.waiting() > 0 {
            answered += 1;
            scanner.answered(answered, &mut out);
            passed.append(&mut out);
        }
        // Nothing is read after that.
        if scanner.refused().is_some() {
            break;
        }
    }
    (passed, scanner.refused())
}

/// The requests that hyper hands on.
fn served(bytes: &[u8]) -> Vec<Framed> {
    let served = RefCell::new(Vec::new());
    let service = service_fn(|request: http::Request<Incoming>| {
        let (head, body) = request.into_parts();
        let fields = head.headers.len();
        served.borrow_mut().push(Framed { method: head.method.to_string(), fields, body: None });
        let served = &served;
        async move {
            if let Ok(body) = body.collect().await
                && let Some(last) = served.borrow_mut().last_mut()
            {
                last.body = Some(body.to_bytes().to_vec());
            }
            let mut answer = Response::new(Empty::<Bytes>::new());
            if head.method == Method::CONNECT {
                *answer.status_mut() = StatusCode::NOT_IMPLEMENTED;
            }
            Ok::<_, Infallible>(answer)
        }
    });
    {
        let mut connection =
            pin!(http1::Builder::new().header_read_timeout(None).serve_connection(Memory(bytes), service));
        let mut cx = Context::from_waker(Waker::noop());
        // Nothing ever blocks; hyper only pauses now and then.
        let rounds = 64 + bytes.len();
        let _ended = (0..rounds).any(|_| connection.as_mut().poll(&mut cx).is_ready());
    }
    served.into_inner()
}

/// What a client has sent before it closed its side; it takes every answer.
struct Memory<'a>(&'a [u8]);

impl Read for Memory<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut to: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let (now, later) = self.0.split_at(self.0.len().min(to.remaining()));
        to.put_slice(now);
        self.0 = later;
        Poll::Ready(Ok(()))
    }
}

impl Write for Memory<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
