//! Heads that pass through: what a plugin may tell a client, and what a client may tell a plugin.

use std::collections::HashSet;

use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use valor_wire::{
    Connection, Event, FrameHeader, FrameType, HeadError, Limits, RequestHead, ResponseRef, Role, SendError,
};

use crate::http::forward::{Client, Forwarded, confine};
use crate::link::{decode_head, is_hop_by_hop, listed_in_connection};

const PREFIXES: [&str; 3] = ["/", "/foo", "/foo/bar"];
const ROOT: RequestHead<'_> = RequestHead { method: "GET", target: "/", deadline_ms: 0, parent: None };

/// The first byte chooses the prefix and whether the client is trusted, the rest is a response's head on the wire.
///
/// # Panics
///
/// When a field gets through that is for one connection, beyond the plugin's prefix, or forged.
pub fn heads(input: &[u8]) {
    let Some((&choice, payload)) = input.split_first() else { return };
    let mut daemon = Connection::new(Role::Daemon, Limits::default());
    let Ok(id) = daemon.open(&ROOT, [], true) else { return };
    daemon.written(daemon.outbox().len());
    let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let frame = FrameHeader { len, kind: FrameType::Head, flags: 1, stream: id.get() };
    let space = daemon.space(payload.len());
    space.extend_from_slice(&frame.encode());
    space.extend_from_slice(payload);
    if let Ok(Some(Event::Response { head, .. })) = daemon.next_event() {
        let prefix = PREFIXES[usize::from(choice) % PREFIXES.len()];
        outwards(head, prefix);
        inwards(head, prefix, choice & 0x80 != 0);
    }
}

/// To the client.
fn outwards(head: ResponseRef<'_>, prefix: &str) {
    let Ok((mut headers, _length)) = decode_head(head.fields) else { return };
    confine(&mut headers, prefix);
    let connection = head.fields.iter().filter(|(_, name, _)| *name == "connection");
    for listed in connection.flat_map(|(_, _, value)| listed_in_connection(value)) {
        assert!(!headers.contains_key(listed), "{listed} is listed in Connection");
    }
    let never = ["service-worker-allowed", "clear-site-data", "strict-transport-security", "alt-svc"];
    for (name, value) in &headers {
        let name = name.as_str();
        assert!(!is_hop_by_hop(name) && name != "content-length" && !never.contains(&name), "{name}");
        assert!(!value.as_bytes().iter().any(|b| matches!(b, b'\r' | b'\n' | 0)), "{name}");
    }
    for cookie in headers.get_all(header::SET_COOKIE) {
        assert!(cookie.is_empty() || is_confined(cookie.as_bytes(), prefix), "{cookie:?} at {prefix}");
    }
}

/// As a browser takes a cookie apart (RFC 6265 section 5.2).
fn is_confined(cookie: &[u8], prefix: &str) -> bool {
    let root = prefix.trim_end_matches('/').as_bytes();
    let mut paths = Vec::new();
    for attribute in cookie.split(|&b| b == b';').skip(1) {
        let mut parts = attribute.splitn(2, |&b| b == b'=').map(<[u8]>::trim_ascii);
        match parts.next().unwrap_or_default().to_ascii_lowercase().as_slice() {
            b"domain" => return false,
            b"path" => paths.push(parts.next().unwrap_or_default()),
            _ => {}
        }
    }
    let below = |path: &[u8]| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest[0] == b'/');
    matches!(paths[..], [path] if path.starts_with(b"/") && below(path))
}

/// To the plugin, the same fields as a client's.
fn inwards(head: ResponseRef<'_>, prefix: &str, trusted: bool) {
    let (mut client, _) = Request::new(()).into_parts();
    for (_, name, value) in head.fields.iter() {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value))
        {
            client.headers.append(name, value);
        }
    }
    let id = HeaderValue::from_static("ours");
    let forwarded = Forwarded::new(&client, &Client { ip: "192.0.2.1", trusted }, prefix, &id);
    let mut daemon = Connection::new(Role::Daemon, Limits::default());
    match daemon.open(&ROOT, forwarded.fields(&client.headers), true) {
        Ok(_) => {}
        Err(SendError::Head(HeadError::TooLong(_) | HeadError::TooManyFields(_))) => return,
        Err(error) => panic!("a client's fields cannot be written: {error}"),
    }
    let mut slices = [std::io::IoSlice::new(&[]); 8];
    let filled = daemon.outbox().slices(&mut slices);
    let mut shim = Connection::new(Role::Shim, Limits::default());
    slices[..filled].iter().for_each(|slice| shim.space(slice.len()).extend_from_slice(slice));
    let Ok(Some(Event::Request { head, .. })) = shim.next_event() else {
        panic!("the shim reads no request")
    };
    let mut seen = HashSet::new();
    let all = |headers: &HeaderMap, wanted: &str| headers.get_all(wanted).iter().count();
    for (_, name, value) in head.fields.iter() {
        let first = seen.insert(name);
        let forwarded = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-prefix"];
        let single = name == "host" || name == "x-request-id" || forwarded.contains(&name);
        assert!(first || !single, "{name} twice");
        assert!(!is_hop_by_hop(name) && !name.starts_with("x-valor-"), "{name}");
        assert!(trusted || !name.starts_with("x-forwarded-") || forwarded.contains(&name), "{name}");
        match name {
            "x-request-id" => assert_eq!(value, b"ours"),
            "x-forwarded-prefix" => assert_eq!(value, prefix.trim_end_matches('/').as_bytes()),
            "x-forwarded-for" => assert!(value.ends_with(b"192.0.2.1") && (trusted || value.len() == 9)),
            _ => assert!(single || all(&client.headers, name) > 0, "{name} comes from nowhere"),
        }
    }
    assert!(seen.contains("x-request-id") && seen.contains("x-forwarded-for"));
}
