//! One `--allow-net`: where a plugin's `fetch` may go.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use url::Host;

/// `host:port`, `host` (80 and 443), `*.example.org:443`, `10.0.0.0/8:5432`, `[::1]:8080`, `[fd00::/8]:443`.
///
/// A name is matched as it is written in the URL, an address or range against addresses; see [`super::policy`] for
/// what a name may resolve to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetGrant {
    to: To,
    /// `None`: 80 and 443.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum To {
    /// Exactly this name.
    Name(String),
    /// Any name below this one; not the name itself.
    Below(String),
    /// Addresses.
    Net(IpNet),
}

/// Why a grant cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no network grant: {reason}; write host:port, host, *.example.org:443, 10.0.0.0/8:5432 or [::1]:8080"
)]
pub struct GrantError {
    text: String,
    reason: &'static str,
}

impl NetGrant {
    /// Does it name this host, as written in a URL, and port?
    #[must_use]
    pub fn names(&self, host: &Host<String>, port: u16) -> bool {
        match host {
            Host::Domain(name) => self.has_port(port) && self.names_domain(name),
            Host::Ipv4(address) => self.covers((*address).into(), port),
            Host::Ipv6(address) => self.covers((*address).into(), port),
        }
    }

    /// Does it name this address literally or by a range? `localhost` names the loopback addresses.
    #[must_use]
    pub fn covers(&self, address: IpAddr, port: u16) -> bool {
        let address = address.to_canonical();
        self.has_port(port)
            && match &self.to {
                To::Net(net) => net.contains(&address),
                To::Name(name) => name == "localhost" && address.is_loopback(),
                To::Below(_) => false,
            }
    }

    fn names_domain(&self, name: &str) -> bool {
        let name = name.strip_suffix('.').unwrap_or(name);
        match &self.to {
            To::Name(one) => one.eq_ignore_ascii_case(name),
            To::Below(domain) => {
                let at = name.len().checked_sub(domain.len()).filter(|at| *at > 1);
                at.and_then(|at| name.get(at - 1..))
                    .is_some_and(|tail| tail.starts_with('.') && tail[1..].eq_ignore_ascii_case(domain))
            }
            To::Net(_) => false,
        }
    }

    fn has_port(&self, port: u16) -> bool {
        self.port.map_or(matches!(port, 80 | 443), |one| one == port)
    }
}

impl fmt::Display for NetGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.to {
            To::Name(name) => f.write_str(name)?,
            To::Below(domain) => write!(f, "*.{domain}")?,
            To::Net(net) => {
                let single = net.prefix_len() == net.max_prefix_len();
                match (net, single) {
                    (IpNet::V4(_), true) => write!(f, "{}", net.addr())?,
                    (IpNet::V4(_), false) => write!(f, "{net}")?,
                    (IpNet::V6(_), true) => write!(f, "[{}]", net.addr())?,
                    (IpNet::V6(_), false) => write!(f, "[{net}]")?,
                }
            }
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl FromStr for NetGrant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        parse(text).map_err(|reason| GrantError { text: text.to_owned(), reason })
    }
}

fn parse(text: &str) -> Result<NetGrant, &'static str> {
    if text.contains("://") {
        return Err("it is a URL");
    }
    let (host, port) = split(text)?;
    let port = port.map(|port| {
        // `+80` would parse, too.
        let number = port.bytes().all(|c| c.is_ascii_digit()).then(|| port.parse::<u16>().ok()).flatten();
        number.filter(|port| *port != 0).ok_or("the port is not between 1 and 65535")
    });
    let to = match host.strip_prefix("*.") {
        Some(domain) => match name(domain)? {
            To::Name(domain) => To::Below(domain),
            _ => return Err("a star stands before a name, not an address"),
        },
        None if host.contains('*') => return Err("a star stands for the first labels only"),
        None => net(host).map_or_else(|| name(host), Ok)?,
    };
    Ok(NetGrant { to, port: port.transpose()? })
}

/// Host and port; an IPv6 address or range stands in brackets, or alone.
fn split(text: &str) -> Result<(&str, Option<&str>), &'static str> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or("the closing bracket is missing")?;
        return match after.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if after.is_empty() => Ok((host, None)),
            None => Err("after the bracket stands a port or nothing"),
        };
    }
    if text.bytes().filter(|c| *c == b':').count() > 1 {
        return Ok((text, None));
    }
    Ok(text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))))
}

fn net(text: &str) -> Option<To> {
    let net = text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
    net.or_else(|_| text.parse::<IpNet>().map(|net| net.trunc())).ok().map(To::Net)
}

/// As the URL standard reads it, so that a grant and a URL cannot be read differently.
fn name(text: &str) -> Result<To, &'static str> {
    if text.contains('/') {
        return Err("the range is none");
    }
    match Host::parse(text) {
        Ok(Host::Domain(name)) if name.contains(['[', ']', '*']) => Err("the name is none"),
        Ok(Host::Domain(name)) => {
            // The root's dot may be written, and is not kept.
            let name = name.strip_suffix('.').unwrap_or(&name);
            let empty_label = name.split('.').any(str::is_empty);
            if empty_label { Err("the name is none") } else { Ok(To::Name(name.to_owned())) }
        }
        Ok(Host::Ipv4(address)) => Ok(To::Net(IpNet::from(IpAddr::from(address)))),
        Ok(Host::Ipv6(address)) => Ok(To::Net(IpNet::from(IpAddr::from(address)))),
        Err(_) => Err("the name is none"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(grant: &str, host: &str, port: u16) -> bool {
        let host = match url::Url::parse(&format!("http://{host}/")).unwrap().host().unwrap() {
            Host::Domain(name) => Host::Domain(name.to_owned()),
            Host::Ipv4(address) => Host::Ipv4(address),
            Host::Ipv6(address) => Host::Ipv6(address),
        };
        grant.parse::<NetGrant>().unwrap().names(&host, port)
    }

    #[test]
    fn what_is_read_is_written_the_same() {
        for (text, canonical) in [
            ("example.org", "example.org"),
            ("Example.ORG.:443", "example.org:443"),
            ("*.Example.org:443", "*.example.org:443"),
            ("10.1.2.3/8:5432", "10.0.0.0/8:5432"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("127.1:8080", "127.0.0.1:8080"),
            ("[::1]:8080", "[::1]:8080"),
            ("::1", "[::1]"),
            ("[fd00::1/8]:443", "[fd00::/8]:443"),
            ("fd00::/8", "[fd00::/8]"),
            ("[::ffff:10.0.0.1]:80", "10.0.0.1:80"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("localhost:3000", "localhost:3000"),
        ] {
            let grant: NetGrant = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(grant.to_string(), canonical);
            assert_eq!(canonical.parse::<NetGrant>().unwrap(), grant);
        }
    }

    #[test]
    fn what_is_none_says_what_to_write() {
        for bad in [
            "",
            ":80",
            "*",
            "*.",
            ".",
            ".:80",
            "*..:443",
            "..",
            "example.org..",
            ".example.org",
            "a..b",
            "*:80",
            "a.*.b",
            "*.1.2.3.4",
            "http://example.org",
            "example.org:",
            "example.org:0",
            "example.org:65536",
            "example.org:+80",
            "example.org:http",
            "exa mple",
            "a/b",
            "10.0.0.0/33",
            "[::1",
            "[::1]x",
            "[::1]80",
            "a@b",
            "a?b",
            "a#b",
            "[example.org]:80x",
            "10.0.0.0/8/8",
        ] {
            let error = bad.parse::<NetGrant>().unwrap_err().to_string();
            assert!(error.contains("write host:port"), "{bad}: {error}");
        }
    }

    #[test]
    fn names_are_matched_as_written() {
        assert!(names("example.org", "example.org", 80) && names("example.org", "EXAMPLE.org", 443));
        assert!(
            !names("example.org", "example.org", 8080) && names("example.org:8080", "example.org:8080", 8080)
        );
        assert!(
            !names("example.org", "www.example.org", 443)
                && !names("example.org", "example.org.evil.net", 443)
        );
        assert!(names("example.org", "example.org.", 443), "the root's dot changes nothing");
        assert!(names("*.example.org:443", "a.b.example.org", 443));
        for other in ["example.org", "badexample.org", "example.org.evil.net", "1.2.3.4"] {
            assert!(!names("*.example.org:443", other, 443), "{other}");
        }
    }

    #[test]
    fn addresses_are_matched_as_numbers() {
        assert!(names("10.0.0.0/8:5432", "10.200.0.1", 5432) && !names("10.0.0.0/8:5432", "11.0.0.1", 5432));
        assert!(names("127.0.0.1:80", "0x7f.1", 80), "the URL standard reads it so");
        assert!(names("10.0.0.1:80", "[::ffff:10.0.0.1]", 80), "a mapped address is the address");
        assert!(names("[::1]:80", "[0:0::1]", 80) && !names("[::1]:80", "127.0.0.1", 80));
        assert!(names("localhost:80", "127.0.0.1", 80) && names("localhost:80", "[::1]", 80));
        assert!(!names("10.0.0.0/8:80", "internal.example", 80), "a range grants no name");
    }
}
