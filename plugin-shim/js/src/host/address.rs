//! The URLs of clients' requests.

use std::cell::RefCell;

use url::Url;
use valor_shim_core::wire::Field;

thread_local! {
    /// Scheme and host as the last request had them, and as the `url` crate writes them: most clients name the same.
    static LAST: RefCell<(String, String)> = const { RefCell::new((String::new(), String::new())) };
}

/// The URL that the client has asked for, as far as it is known: of its path and query, and what goes over its header fields.
pub(crate) fn url<'a, F: Iterator<Item = Field<'a>>>(target: &str, fields: impl Fn() -> F) -> String {
    let field = |wanted: &str| {
        let found = fields().find(|(name, _)| *name == wanted.as_bytes());
        found.and_then(|(_, value)| str::from_utf8(value).ok())
    };
    let scheme = match field("x-forwarded-proto") {
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
        _ => "http",
    };
    // Nothing that would end the host within the URL.
    let names = |host: &&str| !host.is_empty() && !host.contains(['/', '\\', '?', '#', '@']);
    let host = field("host").filter(names).unwrap_or("localhost");
    let target = if target.starts_with('/') { target } else { "/" };
    if !is_normal(target) {
        return parsed(scheme, host, target);
    }
    LAST.with_borrow_mut(|(given, origin)| {
        let same = given.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://")) == Some(host);
        if !same {
            *given = format!("{scheme}://{host}");
            *origin = parsed(scheme, host, "/");
            origin.pop();
        }
        [origin, target].concat()
    })
}

fn parsed(scheme: &str, host: &str, target: &str) -> String {
    [host, "localhost"]
        .into_iter()
        .find_map(|host| Url::parse(&format!("{scheme}://{host}{target}")).ok())
        .map_or_else(|| "http://localhost/".to_owned(), String::from)
}

/// Whether parsing would leave path and query as they are: nothing to be encoded, and no segment that begins with a dot.
fn is_normal(target: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&()*+,;=:@/?".contains(&byte);
    target.bytes().all(plain) && !target.contains("/.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_what_parsing_makes_of_it() {
        let hosts = ["a.example", "A.Example:80", "127.1:8091", "[::1]:443", "not a host"];
        let targets = [
            "/",
            "/a/b?c=d",
            "/a/../b",
            "/a//b",
            "/%41?%20",
            "/a b",
            "*",
            "/?a=/../b",
            "/.well-known",
            "/a:80@b",
            "/a#b",
        ];
        for scheme in ["http", "https"] {
            for (host, target) in hosts.iter().flat_map(|host| targets.map(|target| (host, target))) {
                let fields = [(&b"host"[..], host.as_bytes()), (b"x-forwarded-proto", scheme.as_bytes())];
                let path = if target.starts_with('/') { target } else { "/" };
                assert_eq!(url(target, || fields.into_iter()), parsed(scheme, host, path), "{host} {target}");
            }
        }
        for host in ["user@a", "a/b", "a?b", "a#b", "a\\b", ""] {
            let url = url("/c", || [(&b"host"[..], host.as_bytes())].into_iter());
            assert_eq!(url, "http://localhost/c", "{host}");
        }
    }
}
