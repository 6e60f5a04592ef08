//! HTTP/2 as a client writes it by hand.

use super::*;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
/// Of a SETTINGS or a PING.
pub(super) const ACK: u8 = 1;

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn string(out: &mut Vec<u8>, text: &[u8]) {
    let mut left = text.len();
    if left < 127 {
        out.push(u8::try_from(left).unwrap());
    } else {
        out.push(127);
        left -= 127;
        while left >= 128 {
            out.push(u8::try_from(left % 128).unwrap() | 128);
            left /= 128;
        }
        out.push(u8::try_from(left).unwrap());
    }
    out.extend_from_slice(text);
}

/// Fields as literals, without an index and without Huffman's code.
pub(super) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in fields {
        out.push(0);
        string(&mut out, name.as_bytes());
        string(&mut out, value.as_bytes());
    }
    out
}

/// The pseudo-header fields of a request, then others.
pub(super) fn request<'a>(
    method: &'a str,
    path: &'a str,
    more: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    [&[(":method", method), (":scheme", "http"), (":path", path), (":authority", "a")], more].concat()
}

pub(super) fn get_on(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &block(&request("GET", path, &[])))
}

impl Client {
    /// The beginning of a connection.
    pub(super) async fn begin_h2(&mut self) {
        self.send([PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
    }

    /// The next frame; `None` at the end of the connection.
    pub(super) async fn frame(&mut self) -> Option<Frame> {
        let head = self.exactly(9).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let payload = self.exactly(length as usize).await?;
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// What becomes of a stream: its answer's status, `reset N`, or what becomes of the connection: `goaway N`, `closed`.
    pub(super) async fn outcome(&mut self, stream: u32) -> String {
        loop {
            let Some(frame) = self.frame().await else { return "closed".to_owned() };
            let code = |at: usize| u32::from_be_bytes(frame.payload[at..at + 4].try_into().unwrap());
            match frame.kind {
                HEADERS if frame.stream == stream => return status(&frame.payload),
                RST_STREAM if frame.stream == stream => return format!("reset {}", code(0)),
                GOAWAY => return format!("goaway {}", code(4)),
                _ => {}
            }
        }
    }
}

/// Of a response's first field, which h2 writes by its index or as a literal in Huffman's code.
fn status(block: &[u8]) -> String {
    // A change of the table's size may stand in front.
    let block = if block[0] & 0xe0 == 0x20 { &block[1..] } else { block };
    match block {
        [0x88, ..] => "200".to_owned(),
        [0x89, ..] => "204".to_owned(),
        [0x8c, ..] => "400".to_owned(),
        [0x8d, ..] => "404".to_owned(),
        [0x48, length, code @ ..] if length & 0x80 != 0 => digits(&code[..usize::from(length & 0x7f)]),
        other => format!("{other:x?}"),
    }
}

/// Huffman's code of digits (RFC 7541 appendix B): 0, 1 and 2 have five bits, the others six.
fn digits(code: &[u8]) -> String {
    let bits: String = code.iter().map(|byte| format!("{byte:08b}")).collect();
    let mut bits = bits.as_str();
    let mut text = String::new();
    while text.len() < 3 {
        let n = if bits.starts_with("000") && &bits[..5] < "00011" { 5 } else { 6 };
        let code = u8::from_str_radix(&bits[..n], 2).unwrap();
        let digit = if n == 5 { code } else { code - 0b01_1001 + 3 };
        text.push(char::from(b'0' + digit));
        bits = &bits[n..];
    }
    text
}
