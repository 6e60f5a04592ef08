//! HTTP/2 by hand: what no honest client sends.

use std::path::Path;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::harness::PATIENCE;

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 1;
pub(super) const ACK: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

/// RFC 9113, section 7.
pub(super) const PROTOCOL_ERROR: u32 = 1;
pub(super) const FRAME_SIZE_ERROR: u32 = 6;
pub(super) const COMPRESSION_ERROR: u32 = 9;
pub(super) const ENHANCE_YOUR_CALM: u32 = 11;

pub(super) struct Raw {
    stream: UnixStream,
}

/// What the server sent.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) payload: Vec<u8>,
}

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// One field, never indexed; name and value have less than 127 bytes.
pub(super) fn field(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0x10];
    for text in [name, value] {
        bytes.push(u8::try_from(text.len()).ok().filter(|length| *length < 127).unwrap());
        bytes.extend(text.bytes());
    }
    bytes
}

/// The head of an honest call.
pub(super) fn head(path: &str) -> Vec<u8> {
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "valord"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    fields.iter().flat_map(|(name, value)| field(name, value)).collect()
}

impl Raw {
    pub(super) async fn connect(socket: &Path) -> Self {
        Self { stream: UnixStream::connect(socket).await.unwrap() }
    }

    /// Connected, and past the preface.
    pub(super) async fn greeted(socket: &Path) -> Self {
        let mut raw = Self::connect(socket).await;
        assert!(raw.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await);
        assert_eq!(raw.next().await.unwrap().kind, SETTINGS);
        raw
    }

    /// `false`: the server takes nothing more.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> bool {
        tokio::time::timeout(PATIENCE, self.stream.write_all(bytes)).await.expect("nobody reads").is_ok()
    }

    /// The next frame; `None`: the connection is closed.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        let reading = async {
            let mut head = [0; 9];
            self.stream.read_exact(&mut head).await.ok()?;
            let mut payload =
                vec![0; usize::from(head[1]) << 8 | usize::from(head[2]) | usize::from(head[0]) << 16];
            self.stream.read_exact(&mut payload).await.ok()?;
            Some(Frame { kind: head[3], flags: head[4], payload })
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("the server neither says anything nor closes")
    }

    /// Reads to the end; the code of the last GOAWAY, where one came.
    pub(super) async fn farewell(&mut self) -> Option<u32> {
        let mut code = None;
        while let Some(frame) = self.next().await {
            if frame.kind == GOAWAY {
                code = Some(u32::from_be_bytes(frame.payload[4..8].try_into().unwrap()));
            }
        }
        code
    }

    /// Waits for the answer to a ping of its own: all that was sent before has been read.
    pub(super) async fn is_served(&mut self) -> bool {
        if !self.send(&frame(PING, 0, 0, b"in order")).await {
            return false;
        }
        while let Some(frame) = self.next().await {
            if frame.kind == PING && frame.flags & ACK != 0 && frame.payload == b"in order" {
                return true;
            }
        }
        false
    }

    /// Closed by the server, without another word than those of HTTP/2.
    pub(super) async fn until_closed(&mut self) {
        while self.next().await.is_some() {}
    }
}
