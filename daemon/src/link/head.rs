//! Heads from the wire as HTTP knows them: hop-by-hop fields dropped, the length taken out and checked.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use valor_wire::{Fields, names};

/// Names by their id on the wire.
static NAMES: LazyLock<Vec<HeaderName>> =
    LazyLock::new(|| names::WELL_KNOWN.iter().map(|name| HeaderName::from_static(name)).collect());

/// From so many fields on, values share one allocation.
const SHARE: usize = 3;

/// Why a head is no valid HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHead {
    /// Not a number, or several that differ.
    #[error("content-length is not one number")]
    ContentLength,
    /// A field that HTTP does not allow.
    #[error("a header field is invalid")]
    Field,
}

/// The fields that are end to end, and the declared length, which is not among them.
pub(crate) fn decode(fields: Fields<'_>) -> Result<(HeaderMap, Option<u64>), BadHead> {
    let mut headers = HeaderMap::with_capacity(fields.len() + 4);
    let block = fields.block();
    let shared = (fields.len() >= SHARE).then(|| Bytes::copy_from_slice(block));
    let mut length = None;
    let mut listed = false;
    for (id, name, value) in fields.iter() {
        if id == 0 && is_hop_by_hop(name) {
            if name == "connection" {
                listed = true;
            }
            continue;
        }
        let name = match NAMES.get(usize::from(id).wrapping_sub(1)) {
            Some(name) => name.clone(),
            None => HeaderName::from_lowercase(name.as_bytes()).map_err(|_| BadHead::Field)?,
        };
        if name == header::CONTENT_LENGTH {
            let this = parse_length(value).ok_or(BadHead::ContentLength)?;
            if length.replace(this).is_some_and(|before| before != this) {
                return Err(BadHead::ContentLength);
            }
            continue;
        }
        let value = match &shared {
            Some(shared) => {
                let at = value.as_ptr().addr().wrapping_sub(block.as_ptr().addr());
                let slice = at
                    .checked_add(value.len())
                    .filter(|&end| end <= shared.len())
                    .map(|end| shared.slice(at..end));
                HeaderValue::from_maybe_shared(slice.unwrap_or_default())
            }
            None => HeaderValue::from_bytes(value),
        };
        headers.try_append(name, value.map_err(|_| BadHead::Field)?).map_err(|_| BadHead::Field)?;
    }
    if listed {
        for (_, _, value) in fields.iter().filter(|(id, name, _)| *id == 0 && *name == "connection") {
            for name in listed_in_connection(value) {
                headers.remove(name);
            }
        }
    }
    Ok((headers, length))
}

/// Fields that concern one connection only (RFC 9110 section 7.6.1); `name` is in lower case.
#[must_use]
pub fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection" | "keep-alive" | "proxy-connection" | "transfer-encoding" | "te" | "trailer" | "upgrade"
    )
}

/// The names in the value of a `connection` field; they need not be in lower case.
pub fn listed_in_connection(value: &[u8]) -> impl Iterator<Item = &str> {
    value
        .split(|&b| b == b',')
        .filter_map(|name| std::str::from_utf8(name.trim_ascii()).ok())
        .filter(|n| !n.is_empty())
}

fn parse_length(value: &[u8]) -> Option<u64> {
    let value = value.trim_ascii();
    // `parse` alone would take a sign.
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use http::Method;
    use valor_wire::{Connection, Limits, RequestHead, Role};

    use super::*;

    /// What the wire lets through is a header: the SDK counts on it, which makes a map of a head only later.
    #[test]
    fn whatever_the_wire_takes_http_takes() {
        let takes = |method: &str, name: &[u8], value: &[u8]| {
            let head = RequestHead { method, target: "/", deadline_ms: 0, parent: None };
            Connection::new(Role::Daemon, Limits::default()).open(&head, [(name, value)], true).is_ok()
        };
        let mut taken = [0; 3];
        for byte in 0..=255_u8 {
            let text = [b'a', byte, b'z'];
            if takes("GET", &text, b"") {
                assert_eq!(
                    HeaderName::from_bytes(&text).unwrap(),
                    HeaderName::from_lowercase(&text).unwrap()
                );
                taken[0] += 1;
            }
            if takes("GET", b"x", &text) {
                assert_eq!(HeaderValue::from_bytes(&text).unwrap().as_bytes(), text);
                taken[1] += 1;
            }
            if let Ok(method) = std::str::from_utf8(&text)
                && takes(method, b"x", b"")
            {
                assert_eq!(Method::from_bytes(&text).unwrap(), method);
                taken[2] += 1;
            }
        }
        // Tokens are 77 characters, 26 of them upper-case letters; values have all but 32 control characters.
        assert_eq!(taken, [77 - 26, 256 - 32, 77]);
    }
}
