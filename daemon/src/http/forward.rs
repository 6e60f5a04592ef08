//! What a request and a response become on their way through.

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use valor_wire::Field;

use crate::link::{is_hop_by_hop, listed_in_connection};

/// The request's id, on the way in.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The request's id, on the way out.
pub(crate) const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
/// Who answered.
pub(crate) const PLUGIN: HeaderName = HeaderName::from_static("x-valor-plugin");
/// Where it was answered.
pub(crate) const RUNTIME: HeaderName = HeaderName::from_static("x-valor-runtime");
/// Here.
pub(crate) const SERVER: HeaderValue = HeaderValue::from_static("server");

const SERVICE_WORKER_ALLOWED: HeaderName = HeaderName::from_static("service-worker-allowed");
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// What concerns the whole origin, and is no plugin's to say.
static OF_THE_ORIGIN: [HeaderName; 4] =
    [SERVICE_WORKER_ALLOWED, CLEAR_SITE_DATA, header::STRICT_TRANSPORT_SECURITY, header::ALT_SVC];

/// What the daemon tells a plugin of the client.
#[derive(Debug)]
pub(crate) struct Client<'a> {
    pub(crate) ip: &'a str,
    /// Its own `x-forwarded-*` are believed.
    pub(crate) trusted: bool,
}

/// The fields that a plugin gets instead of the client's own.
#[derive(Debug)]
pub(crate) struct Forwarded<'a> {
    host: &'a [u8],
    chain: Option<String>,
    ip: &'a str,
    forwarded_host: &'a [u8],
    proto: &'a [u8],
    prefix: &'a str,
    request_id: &'a HeaderValue,
    listed: Vec<&'a str>,
    trusted: bool,
}

impl<'a> Forwarded<'a> {
    pub(crate) fn new(
        head: &'a Parts,
        client: &Client<'a>,
        prefix: &'a str,
        request_id: &'a HeaderValue,
    ) -> Self {
        let Parts { headers, uri, .. } = head;
        // The target's authority wins over Host (RFC 9112 section 3.2.2).
        let host = uri
            .authority()
            .map(|a| a.as_str().as_bytes())
            .or_else(|| headers.get(header::HOST).map(HeaderValue::as_bytes))
            .unwrap_or_default();
        let theirs = |name: &str| {
            let value = if client.trusted { headers.get(name) } else { None };
            value.map(HeaderValue::as_bytes)
        };
        let chain = theirs("x-forwarded-for").map(|_| {
            let all = headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok());
            all.chain([client.ip]).collect::<Vec<_>>().join(", ")
        });
        let listed = headers
            .get_all(header::CONNECTION)
            .iter()
            .flat_map(|value| listed_in_connection(value.as_bytes()))
            .filter(|name| !name.eq_ignore_ascii_case("close") && !name.eq_ignore_ascii_case("keep-alive"))
            .collect();
        Self {
            host,
            chain,
            ip: client.ip,
            forwarded_host: theirs("x-forwarded-host").unwrap_or(host),
            proto: theirs("x-forwarded-proto").unwrap_or(b"http"),
            prefix,
            request_id,
            listed,
            trusted: client.trusted,
        }
    }

    /// The request's fields as the plugin sees them.
    pub(crate) fn fields<'b>(&'b self, headers: &'b HeaderMap) -> impl Iterator<Item = Field<'b>> {
        let kept = headers
            .iter()
            .filter(|(name, _)| self.keeps(name.as_str()))
            .map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()));
        let host = (!self.host.is_empty()).then_some((b"host".as_slice(), self.host));
        let forwarded_host = (!self.forwarded_host.is_empty())
            .then_some((b"x-forwarded-host".as_slice(), self.forwarded_host));
        // With an empty prefix, a plugin's links need no case for the root.
        let prefix = if self.prefix == "/" { "" } else { self.prefix };
        let ours: [Option<Field<'b>>; 6] = [
            host,
            Some((b"x-forwarded-for", self.chain.as_deref().unwrap_or(self.ip).as_bytes())),
            forwarded_host,
            Some((b"x-forwarded-proto", self.proto)),
            Some((b"x-forwarded-prefix", prefix.as_bytes())),
            Some((b"x-request-id", self.request_id.as_bytes())),
        ];
        kept.chain(ours.into_iter().flatten())
    }

    fn keeps(&self, name: &str) -> bool {
        let theirs = match name.as_bytes()[0] {
            b'h' => name == "host",
            b'e' => name == "expect",
            b'f' => name == "forwarded" && !self.trusted,
            b'x' => match name {
                "x-request-id" | "x-forwarded-for" | "x-forwarded-host" | "x-forwarded-proto"
                | "x-forwarded-prefix" => true,
                "x-real-ip" => !self.trusted,
                _ => name.starts_with("x-valor-") || name.starts_with("x-forwarded-") && !self.trusted,
            },
            _ => is_hop_by_hop(name),
        };
        !theirs && !self.listed.iter().any(|listed| listed.eq_ignore_ascii_case(name))
    }
}

/// The client's request id, when it is one that can be written down as it is.
pub(crate) fn sane_request_id(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers.get(REQUEST_ID).filter(|id| {
        let id = id.as_bytes();
        !id.is_empty() && id.len() <= 128 && id.iter().all(u8::is_ascii_graphic)
    })
}

/// Holds a plugin's response to its own prefix: plugins share an origin.
pub(crate) fn confine(headers: &mut HeaderMap, prefix: &str) {
    // One walk over the few that there are is cheaper than to look for each that is not.
    if !headers.keys().any(|name| *name == header::SET_COOKIE || OF_THE_ORIGIN.contains(name)) {
        return;
    }
    for name in &OF_THE_ORIGIN {
        headers.remove(name);
    }
    if let header::Entry::Occupied(mut cookies) = headers.entry(header::SET_COOKIE) {
        for cookie in cookies.iter_mut() {
            *cookie = confine_cookie(cookie, prefix);
        }
    }
}

/// Without Domain, and with a Path within the prefix. A plugin's paths are below its prefix, so its `/` is the prefix.
fn confine_cookie(cookie: &HeaderValue, prefix: &str) -> HeaderValue {
    let mut parts = cookie.as_bytes().split(|&b| b == b';');
    let mut confined = parts.next().unwrap_or_default().trim_ascii().to_vec();
    let mut path: &[u8] = b"/";
    for attribute in parts {
        let mut pair = attribute.splitn(2, |&b| b == b'=');
        let name = pair.next().unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"path") {
            // The last one counts (RFC 6265 section 5.3); one that is no path counts as none.
            path = pair.next().map(<[u8]>::trim_ascii).filter(|p| p.starts_with(b"/")).unwrap_or(b"/");
        } else if !name.eq_ignore_ascii_case(b"domain") && !attribute.trim_ascii().is_empty() {
            confined.extend_from_slice(b"; ");
            confined.extend_from_slice(attribute.trim_ascii());
        }
    }
    confined.extend_from_slice(b"; Path=");
    let root = prefix.trim_end_matches('/').as_bytes();
    let within = path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"));
    if !within {
        confined.extend_from_slice(root);
    }
    match (within, path) {
        (false, b"/") if !root.is_empty() => {}
        _ => confined.extend_from_slice(path),
    }
    HeaderValue::from_maybe_shared(bytes::Bytes::from(confined))
        .unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
#[path = "forward_tests.rs"]
mod tests;
