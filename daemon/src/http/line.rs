//! The lines of an HTTP/1.1 message (RFC 9112), and what is wrong with one.

use valor_wire::{is_token, text_len};

use super::{Kind, Problem};

/// Why a message is refused; [`problem`](Bad::problem) says it at length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bad {
    Tls,
    RequestLine,
    Version,
    Target,
    TargetCharacter,
    Fragment,
    TargetTooLong,
    HeadTooLong,
    TooManyFields,
    HeadTimeout,
    Cut,
    BareLf,
    Control,
    Folded,
    Field,
    Length,
    RepeatedLength,
    LengthAndCoding,
    RepeatedCoding,
    Coding,
    UnknownCoding,
    CodingInHttp10,
    ChunkSize,
    ChunkEnd,
    Trailer,
}

/// Of a Content-Length: what `i64` holds.
const MAX_DIGITS: usize = 19;

/// What a TLS handshake begins with.
pub(crate) const TLS: u8 = 0x16;

/// The longest target that `http::Uri` takes.
pub(super) const MAX_TARGET: usize = 65_534;

impl Bad {
    /// What the client is told, before its connection is closed.
    pub(crate) fn problem(self) -> Problem {
        let (kind, reason) = match self {
            Self::Tls => {
                (Kind::BadRequest, "this is a TLS handshake, and plain HTTP is served here: use http://")
            }
            Self::RequestLine => (Kind::BadRequest, "the request line is not METHOD TARGET HTTP/1.1"),
            Self::Version => (Kind::HttpVersion, "send HTTP/1.1, HTTP/1.0, or HTTP/2 with its preface"),
            Self::Target => (Kind::BadRequest, "the target is neither a path nor a URL"),
            Self::TargetCharacter => {
                (Kind::BadRequest, "the target has characters that must be percent-encoded")
            }
            Self::Fragment => {
                (Kind::BadRequest, "the target has a fragment: send it without what begins at #")
            }
            Self::TargetTooLong => {
                (Kind::TargetTooLong, "the request line is longer than a request head may be")
            }
            Self::HeadTooLong => (Kind::HeadTooLarge, "the request head is longer than it may be"),
            Self::TooManyFields => {
                (Kind::HeadTooLarge, "the request has more header fields than it may have")
            }
            Self::HeadTimeout => (Kind::HeadTimeout, "the request head was not complete in time"),
            Self::Cut => (Kind::BadRequest, "the connection was closed before the request head was complete"),
            Self::BareLf => (Kind::BadRequest, "a line of the request ends with a bare LF"),
            Self::Control => (Kind::BadRequest, "a line of the request has a control character"),
            Self::Folded => (Kind::BadRequest, "a header field is folded over several lines"),
            Self::Field => (Kind::BadRequest, "a header field is not NAME: VALUE"),
            Self::Length => (Kind::BadRequest, "the Content-Length is no decimal number of bytes"),
            Self::RepeatedLength => (Kind::BadRequest, "the request has more than one Content-Length"),
            Self::LengthAndCoding => {
                (Kind::BadRequest, "the request has both Transfer-Encoding and Content-Length")
            }
            Self::RepeatedCoding => (Kind::BadRequest, "the request has more than one Transfer-Encoding"),
            Self::Coding => (Kind::BadRequest, "chunked is not the last transfer coding"),
            Self::UnknownCoding => {
                (Kind::NotImplemented, "chunked is the only transfer coding that is supported")
            }
            Self::CodingInHttp10 => (Kind::BadRequest, "HTTP/1.0 has no Transfer-Encoding"),
            Self::ChunkSize => (Kind::BadRequest, "a chunk of the request body does not begin with its size"),
            Self::ChunkEnd => (Kind::BadRequest, "a chunk of the request body is longer than its size"),
            Self::Trailer => (Kind::BadRequest, "the trailer of the request body is longer than it may be"),
        };
        Problem::new(kind, reason).closing()
    }
}

/// A line without its end, which must be CRLF.
pub(crate) fn text(line: &[u8]) -> Result<&[u8], Bad> {
    match line {
        // Its bytes mean nothing here, so it is told apart first.
        [TLS, ..] => Err(Bad::Tls),
        [text @ .., b'\r', b'\n'] => Ok(text),
        _ => Err(Bad::BareLf),
    }
}

/// Whether a part of a line that has not ended may be one.
pub(crate) fn may_stand(part: &[u8]) -> Result<(), Bad> {
    no_control(part.strip_suffix(b"\r").unwrap_or(part))
}

fn no_control(text: &[u8]) -> Result<(), Bad> {
    if text_len(text) == text.len() { Ok(()) } else { Err(Bad::Control) }
}

/// Checks `METHOD TARGET HTTP/1.x`; whether it is HTTP/1.0.
pub(crate) fn request_line(text: &[u8]) -> Result<bool, Bad> {
    no_control(text)?;
    let mut parts = text.splitn(3, |&b| b == b' ');
    let (Some(method), Some(target), Some(version)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Bad::RequestLine);
    };
    let old = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            return Err(Bad::Version);
        }
        _ => return Err(Bad::RequestLine),
    };
    if !is_token(method) {
        return Err(Bad::RequestLine);
    }
    check_target(method, target)?;
    Ok(old)
}

/// A target is what `http::Uri` takes without dropping anything.
fn check_target(method: &[u8], target: &[u8]) -> Result<(), Bad> {
    if target.len() > MAX_TARGET {
        return Err(Bad::TargetTooLong);
    }
    if target.contains(&b'#') {
        return Err(Bad::Fragment);
    }
    if target.starts_with(b"/") {
        let query = target.iter().position(|&b| b == b'?').unwrap_or(target.len());
        let (path, query) = target.split_at(query);
        let bad_path = path.iter().any(|&b| matches!(b, 0..=0x20 | b'<' | b'>' | b'`' | 0x7f));
        let bad_query = query.iter().any(|&b| matches!(b, 0..=0x20 | b'"' | b'<' | b'>' | 0x7f));
        if bad_path || bad_query || (!target.is_ascii() && std::str::from_utf8(target).is_err()) {
            return Err(Bad::TargetCharacter);
        }
        return Ok(());
    }
    let uri = http::Uri::try_from(target).map_err(|_| Bad::Target)?;
    let known = match (uri.scheme_str(), uri.authority()) {
        (Some("http" | "https"), Some(_)) => true,
        (None, Some(_)) => method == b"CONNECT",
        _ => target == b"*",
    };
    if known { Ok(()) } else { Err(Bad::Target) }
}

/// Takes `NAME: VALUE` apart.
pub(crate) fn field(text: &[u8]) -> Result<(&[u8], &[u8]), Bad> {
    if let [b' ' | b'\t', ..] = text {
        return Err(Bad::Folded);
    }
    no_control(text)?;
    let colon = text.iter().position(|&b| b == b':').ok_or(Bad::Field)?;
    let (name, value) = text.split_at(colon);
    if is_token(name) { Ok((name, value[1..].trim_ascii())) } else { Err(Bad::Field) }
}

/// The bytes that a Content-Length says.
pub(crate) fn length(value: &[u8]) -> Result<u64, Bad> {
    // Not every reader has room for more digits, were they all zeros.
    if value.len() > MAX_DIGITS || !value.iter().all(u8::is_ascii_digit) {
        return Err(Bad::Length);
    }
    let length = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
    length.filter(|length| i64::try_from(*length).is_ok()).ok_or(Bad::Length)
}

/// Checks a Transfer-Encoding.
pub(crate) fn coding(value: &[u8]) -> Result<(), Bad> {
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    let last = value.rsplit(|&b| b == b',').next().unwrap_or_default().trim_ascii();
    Err(if last.eq_ignore_ascii_case(b"chunked") { Bad::UnknownCoding } else { Bad::Coding })
}

/// The size in the first line of a chunk; its extensions mean nothing here.
pub(crate) fn chunk_size(text: &[u8]) -> Result<u64, Bad> {
    no_control(text).map_err(|_| Bad::ChunkSize)?;
    let digits = text.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    let (digits, rest) = text.split_at(digits);
    if digits.len() > 15 || !matches!(rest, [] | [b';', ..]) {
        return Err(Bad::ChunkSize);
    }
    let size = std::str::from_utf8(digits).ok().and_then(|digits| u64::from_str_radix(digits, 16).ok());
    size.ok_or(Bad::ChunkSize)
}
