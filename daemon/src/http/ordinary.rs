//! Heads in which nothing is out of the ordinary, read at once: one look per byte. What is, is left to the reader of lines, which
//! says what is wrong with it, if anything is.

use valor_wire::{text_len, token_len};

use super::line::{MAX_TARGET, coding, length};

/// A request head that is complete and valid.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ordinary {
    /// Of the head, with its last line.
    pub(super) len: usize,
    /// Its Content-Length.
    pub(super) length: Option<u64>,
    /// It has a Transfer-Encoding, which is chunked.
    pub(super) chunked: bool,
}

const VERSION: &[u8] = b" HTTP/1.1\r\n";

/// Reads the head in front.
pub(super) fn read(bytes: &[u8], max_fields: usize) -> Option<Ordinary> {
    let mut rest = request_line(bytes)?;
    let (mut fields, mut size, mut chunked) = (0, None, false);
    loop {
        if let Some(behind) = rest.strip_prefix(b"\r\n") {
            return Some(Ordinary { len: bytes.len() - behind.len(), length: size, chunked });
        }
        let (name, behind) = rest.split_at(token_len(rest));
        let behind = behind.strip_prefix(b":").filter(|_| !name.is_empty())?;
        let (value, behind) = behind.split_at(text_len(behind));
        rest = behind.strip_prefix(b"\r\n")?;
        fields += 1;
        if fields > max_fields {
            return None;
        }
        match name[0] {
            b'c' | b'C' if name.eq_ignore_ascii_case(b"content-length") => {
                let declared = length(value.trim_ascii()).ok()?;
                if chunked || size.replace(declared).is_some() {
                    return None;
                }
            }
            b't' | b'T' if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                coding(value.trim_ascii()).ok()?;
                if size.is_some() || std::mem::replace(&mut chunked, true) {
                    return None;
                }
            }
            _ => {}
        }
    }
}

/// `METHOD /path HTTP/1.1`; what follows it.
fn request_line(bytes: &[u8]) -> Option<&[u8]> {
    let (method, rest) = bytes.split_at(token_len(bytes));
    let rest = rest.strip_prefix(b" ").filter(|rest| !method.is_empty() && rest.starts_with(b"/"))?;
    let (target, rest) = rest.split_at(rest.iter().position(|&b| !PLAIN[usize::from(b)])?);
    rest.strip_prefix(VERSION).filter(|_| target.len() <= MAX_TARGET)
}

/// What may stand in a path and in a query alike.
static PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut b = 0_u8;
    while b < 128 {
        table[b as usize] = b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'`' | b'#');
        b += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    /// That it agrees with the reader of lines is for the tests of `scan`, which read everything in whole and in pieces.
    #[test]
    fn what_is_read_is_exactly_one_head() {
        let some = |len, length, chunked| Some(Ordinary { len, length, chunked });
        let get = b"GET /a?b=%20 HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n";
        assert_eq!(read(get, 2), some(get.len(), None, false));
        assert_eq!(read(get, 1), None, "too many fields");
        assert_eq!(read(&get.repeat(2), 2), some(get.len(), None, false));
        (0..get.len()).for_each(|len| assert_eq!(read(&get[..len], 9), None, "{len}"));
        let head = |fields: &str| format!("POST / HTTP/1.1\r\n{fields}\r\n\r\n").into_bytes();
        let one = |fields: &str| read(&head(fields), 9).map(|head| (head.length, head.chunked));
        assert_eq!(one("content-Length: 17 "), Some((Some(17), false)));
        assert_eq!(one("Transfer-encoding:\tChunked"), Some((None, true)));
        for odd in [
            "Content-Length: +1",
            "Content-Length: 1\r\nContent-Length: 1",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 1",
            "Content-Length: 1\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: gzip",
            "X: a\nY: b",
            "X: a\rb",
            "X: a\0",
            "X : a",
            ": a",
            " folded",
            "X",
        ] {
            assert_eq!(one(odd), None, "{odd:?}");
        }
        for line in ["GET  /", "GET a", "GET http://a/", " /", "GET /#", "GET /\"", "GET /<", "GET /\u{fc}"] {
            assert_eq!(read(format!("{line} HTTP/1.1\r\n\r\n").as_bytes(), 9), None, "{line}");
        }
        for end in [" HTTP/1.0\r\n", " HTTP/1.1\n", " HTTP/1.1 \r\n", "\r\n"] {
            assert_eq!(read(format!("GET /{end}\r\n").as_bytes(), 9), None, "{end:?}");
        }
    }
}
