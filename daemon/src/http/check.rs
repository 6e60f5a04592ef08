//! What is refused before it is routed, so that router and plugin can never disagree about a request. How the bytes of
//! a request are framed was checked before, by [`scan`](super::scan), or by h2.

use http::request::Parts;
use http::{Method, Version, header};

use super::line::Bad;
use super::{Kind, Problem};

/// Checks a request head.
///
/// # Errors
///
/// With the answer to the client, mostly 400.
pub(crate) fn check(head: &Parts, max_headers: usize) -> Result<(), Problem> {
    if head.headers.len() > max_headers {
        return Err(Bad::TooManyFields.problem());
    }
    if head.method == Method::CONNECT {
        return Err(Problem::new(Kind::NotImplemented, "CONNECT is not supported: this is no forward proxy")
            .closing());
    }
    // It sends back what a browser's script must not see, such as cookies.
    if head.method == Method::TRACE {
        return Err(Problem::new(Kind::NotImplemented, "TRACE is not supported").closing());
    }
    check_host(head)?;
    let mut expected = head.headers.get_all(header::EXPECT).iter();
    if !expected.all(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        return Err(
            Problem::new(Kind::Expectation, "100-continue is the only expectation that is met").closing()
        );
    }
    if let Some(upgrade) = head.headers.get(header::UPGRADE)
        && upgrade.as_bytes().to_ascii_lowercase().windows(9).any(|w| w == b"websocket")
    {
        return Err(Problem::new(Kind::NotImplemented, "upgrading to a WebSocket is not supported"));
    }
    let path = head.uri.path();
    if path == "*" && head.method == Method::OPTIONS {
        return Ok(());
    }
    check_path(path).map_err(|reason| Problem::new(Kind::BadRequest, reason))
}

/// Checks a path (RFC 3986 section 3.3): one that can be read in more than one way is refused.
pub(crate) fn check_path(path: &str) -> Result<(), &'static str> {
    if !path.starts_with('/') {
        return Err("the path does not start with a slash");
    }
    let bytes = path.as_bytes();
    if bytes.iter().any(|&b| b == b'%' || b == b'\\' || !b.is_ascii_graphic()) {
        check_characters(bytes)?;
    }
    // A dot segment starts with a dot, as it is or encoded.
    let mut rest = path;
    while let Some(at) = rest.find('/') {
        rest = &rest[at + 1..];
        if (rest.starts_with('.') || rest.starts_with('%'))
            && is_dot_segment(rest.split('/').next().unwrap_or(rest))
        {
            return Err("the path has a dot segment: send the path that it leads to");
        }
    }
    Ok(())
}

fn check_characters(path: &[u8]) -> Result<(), &'static str> {
    for (at, &byte) in path.iter().enumerate() {
        let decoded = match byte {
            b'%' => percent(&path[at + 1..]).ok_or("the path has a percent sign that encodes nothing")?,
            b'\\' => return Err("the path has a backslash"),
            byte if !byte.is_ascii_graphic() => {
                return Err("the path has characters that must be percent-encoded");
            }
            _ => continue,
        };
        let before = at.checked_sub(3).and_then(|at| percent(path[at..].strip_prefix(b"%")?));
        match (before, decoded) {
            (_, 0xc0 | 0xc1) | (Some(0xe0), 0x80..0xa0) | (Some(0xf0), 0x80..0x90) => {
                return Err("the path has an overlong encoding of a character");
            }
            _ => {}
        }
        match decoded {
            b'/' => return Err("the path has an encoded slash"),
            b'\\' => return Err("the path has an encoded backslash"),
            0 => return Err("the path has an encoded NUL"),
            _ => {}
        }
    }
    Ok(())
}

/// What two hexadecimal digits say.
fn percent(bytes: &[u8]) -> Option<u8> {
    let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    Some(digit(bytes.first()?)? << 4 | digit(bytes.get(1)?)?)
}

/// `.` or `..`, each dot as it is or as `%2e`.
fn is_dot_segment(segment: &str) -> bool {
    let mut dots = 0;
    let mut rest = segment.as_bytes();
    while !rest.is_empty() {
        rest = match rest {
            [b'.', rest @ ..] | [b'%', b'2', b'e' | b'E', rest @ ..] => rest,
            _ => return false,
        };
        dots += 1;
    }
    dots == 1 || dots == 2
}

/// Exactly one valid authority (RFC 9112 section 3.2, RFC 9113 section 8.3.1).
fn check_host(head: &Parts) -> Result<(), Problem> {
    let bad = |reason: &str| Err(Problem::new(Kind::BadRequest, reason).closing());
    let mut hosts = head.headers.get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return bad("the request has more than one Host");
    }
    if let Some(host) = host
        && !is_authority(host.as_bytes())
    {
        return bad("the Host is no valid authority");
    }
    let Some(authority) = head.uri.authority() else {
        return if host.is_none() && head.version != Version::HTTP_10 && head.version != Version::HTTP_09 {
            bad("the request has no Host")
        } else {
            Ok(())
        };
    };
    if !is_authority(authority.as_str().as_bytes()) {
        return bad("the authority of the target is invalid");
    }
    match host {
        // HTTP/1.1 demands a Host beside an absolute target, and lets the target win.
        None if head.version == Version::HTTP_11 => bad("the request has no Host"),
        Some(host)
            if head.version == Version::HTTP_2
                && !host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()) =>
        {
            bad("Host and :authority differ")
        }
        _ => Ok(()),
    }
}

/// A host with an optional port, without user information.
pub(crate) fn is_authority(text: &[u8]) -> bool {
    let (host, port) = match text {
        [b'[', rest @ ..] => {
            let Some(end) = rest.iter().position(|&b| b == b']') else {
                return false;
            };
            let ip = std::str::from_utf8(&rest[..end]).unwrap_or_default();
            if ip.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            (None, &rest[end + 1..])
        }
        _ => {
            let end = text.iter().position(|&b| b == b':').unwrap_or(text.len());
            (Some(&text[..end]), &text[end..])
        }
    };
    let host_ok = host.is_none_or(|host| {
        !host.is_empty()
            && host.iter().enumerate().all(|(at, &b)| match b {
                b'%' => percent(&host[at + 1..]).is_some(),
                _ => b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&b),
            })
    });
    let port_ok = match port {
        [] => true,
        [b':', digits @ ..] => {
            digits.iter().all(u8::is_ascii_digit)
                && (digits.is_empty() || std::str::from_utf8(digits).is_ok_and(|d| d.parse::<u16>().is_ok()))
        }
        _ => false,
    };
    host_ok && port_ok
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
