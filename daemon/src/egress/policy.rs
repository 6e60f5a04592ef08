//! May this plugin reach this host, and this address?
//!
//! Two questions, both answered for every hop of a `fetch`: the host **as written** must be granted with its port; and
//! each address that it resolves to must be public, unless a grant names that address literally, by a range, or as
//! `localhost`. Only addresses that passed are connected to, so a name that resolves differently a moment later gains
//! nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::Host;

use super::grant::NetGrant;
use crate::plugin::Grants;

/// What one plugin may reach.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    grants: Vec<NetGrant>,
    /// Ranges that the operator counts as public.
    allow_private: Vec<IpNet>,
}

/// Why not; says what would permit it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing grants the host and port.
    #[error("{host}:{port} is not granted to this plugin: register it with --allow-net {host}:{port}")]
    NotGranted {
        /// As written in the URL.
        host: Host<String>,
        /// Explicit or the scheme's.
        port: u16,
    },
    /// The host is granted, but not where it leads.
    #[error("{host} resolves to {address}, which is {what}: register the plugin with --allow-net {} as well", literal(*address, *port))]
    NotPublic {
        /// As written in the URL.
        host: Host<String>,
        /// The first such address.
        address: IpAddr,
        /// Of the URL.
        port: u16,
        /// What kind of address.
        what: &'static str,
    },
}

impl Policy {
    /// The grants of a plugin; what cannot be read grants nothing.
    #[must_use]
    pub fn new(grants: &Grants, allow_private: &[IpNet]) -> Self {
        let grants = grants.net.iter().filter_map(|text| text.parse().ok()).collect();
        Self { grants, allow_private: allow_private.to_vec() }
    }

    /// Is the host, as written, granted? Asked before its name is looked up: a look-up tells somebody, too.
    ///
    /// # Errors
    /// The refusal.
    pub fn check_host(&self, host: &Host<String>, port: u16) -> Result<(), Refusal> {
        if self.grants.iter().any(|grant| grant.names(host, port)) {
            return Ok(());
        }
        Err(Refusal::NotGranted { host: host.clone(), port })
    }

    /// The addresses that may be connected to.
    ///
    /// # Errors
    /// The refusal, when there is none.
    pub fn check_addresses(
        &self,
        host: &Host<String>,
        port: u16,
        found: impl IntoIterator<Item = IpAddr>,
    ) -> Result<Vec<IpAddr>, Refusal> {
        let mut good = Vec::new();
        let mut refused = None;
        for address in found {
            let address = address.to_canonical();
            match not_public(address) {
                Some(what) if !self.is_lent(address, port) => {
                    refused.get_or_insert(Refusal::NotPublic { host: host.clone(), address, port, what });
                }
                _ => good.push(address),
            }
        }
        match refused {
            Some(refusal) if good.is_empty() => Err(refusal),
            _ => Ok(good),
        }
    }

    fn is_lent(&self, address: IpAddr, port: u16) -> bool {
        self.allow_private.iter().any(|net| net.contains(&address))
            || self.grants.iter().any(|grant| grant.covers(address, port))
    }
}

fn literal(address: IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(address, port).to_string()
}

/// What kind of address it is, when strangers have no business there.
///
/// The special-purpose registries of IANA (RFC 6890 and its successors), and where clouds answer for their metadata.
#[must_use]
pub fn not_public(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(address) => V4.iter().find(|(net, _)| v4(net).contains(&address)).map(|(_, what)| *what),
        IpAddr::V6(address) => {
            if address.is_loopback() {
                return Some("a loopback address");
            }
            if let Some(inner) = embedded(address) {
                return not_public(inner.into());
            }
            V6.iter().find(|(net, _)| v6(net).contains(&address)).map(|(_, what)| *what)
        }
    }
}

/// First octets and length.
type Short4 = ([u8; 4], u8);
/// First groups and length.
type Short6 = ([u16; 3], u8);

const V4: &[(Short4, &str)] = &[
    (([169, 254, 169, 254], 32), "a metadata address"),
    (([168, 63, 129, 16], 32), "a metadata address"),
    (([100, 100, 100, 200], 32), "a metadata address"),
    (([0, 0, 0, 0], 8), "this host"),
    (([127, 0, 0, 0], 8), "a loopback address"),
    (([10, 0, 0, 0], 8), "a private address"),
    (([172, 16, 0, 0], 12), "a private address"),
    (([192, 168, 0, 0], 16), "a private address"),
    (([100, 64, 0, 0], 10), "a private address"),
    (([169, 254, 0, 0], 16), "a link-local address"),
    (([192, 0, 0, 0], 24), "a reserved address"),
    (([192, 0, 2, 0], 24), "a reserved address"),
    (([192, 88, 99, 0], 24), "a reserved address"),
    (([198, 18, 0, 0], 15), "a reserved address"),
    (([198, 51, 100, 0], 24), "a reserved address"),
    (([203, 0, 113, 0], 24), "a reserved address"),
    (([224, 0, 0, 0], 4), "a multicast address"),
    (([240, 0, 0, 0], 4), "a reserved address"),
];

const V6: &[(Short6, &str)] = &[
    (([0x64, 0xff9b, 1], 48), "a private address"),
    (([0, 0, 0], 8), "a reserved address"),
    (([0x100, 0, 0], 64), "a reserved address"),
    (([0x2001, 0, 0], 23), "a reserved address"),
    (([0x2001, 0xdb8, 0], 32), "a reserved address"),
    (([0x3fff, 0, 0], 20), "a reserved address"),
    (([0x5f00, 0, 0], 16), "a reserved address"),
    (([0xfc00, 0, 0], 7), "a private address"),
    (([0xfe80, 0, 0], 10), "a link-local address"),
    (([0xfec0, 0, 0], 10), "a private address"),
    (([0xff00, 0, 0], 8), "a multicast address"),
];

fn v4((octets, length): &Short4) -> Ipv4Net {
    Ipv4Net::new((*octets).into(), *length).unwrap_or_default()
}

fn v6(([a, b, c], length): &Short6) -> Ipv6Net {
    Ipv6Net::new(Ipv6Addr::new(*a, *b, *c, 0, 0, 0, 0, 0), *length).unwrap_or_default()
}

/// The IPv4 address to which an IPv6 address leads: NAT64 (64:ff9b::/96) and 6to4 (2002::/16).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let join = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match (a, b) {
        (0x64, 0xff9b) if [c, d, e, f] == [0; 4] => Some(join(g, h)),
        (0x2002, _) => Some(join(b, c)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(grants: &[&str], allow_private: &[&str]) -> Policy {
        let net = grants.iter().map(|&grant| grant.to_owned()).collect();
        let allow: Vec<IpNet> = allow_private.iter().map(|net| net.parse().unwrap()).collect();
        Policy::new(&Grants { net, ..Grants::default() }, &allow)
    }

    fn host(text: &str) -> Host<String> {
        Host::parse(text).unwrap()
    }

    fn ips(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn strangers_have_no_business_there() {
        for (address, what) in [
            ("127.0.0.1", "loopback"),
            ("127.255.255.255", "loopback"),
            ("::1", "loopback"),
            ("::", "reserved"),
            ("0.0.0.0", "this host"),
            ("10.0.0.1", "private"),
            ("172.16.0.1", "private"),
            ("172.31.255.255", "private"),
            ("192.168.1.1", "private"),
            ("100.64.0.1", "private"),
            ("169.254.1.1", "link-local"),
            ("169.254.169.254", "metadata"),
            ("100.100.100.200", "metadata"),
            ("168.63.129.16", "metadata"),
            ("224.0.0.1", "multicast"),
            ("255.255.255.255", "reserved"),
            ("240.0.0.1", "reserved"),
            ("192.0.0.1", "reserved"),
            ("198.18.0.1", "reserved"),
            ("fe80::1", "link-local"),
            ("fd00:ec2::254", "private"),
            ("fec0::1", "private"),
            ("ff02::1", "multicast"),
            ("2001:db8::1", "reserved"),
            ("2001::1", "reserved"),
            ("::ffff:127.0.0.1", "loopback"),
            ("::127.0.0.1", "reserved"),
            ("64:ff9b::7f00:1", "loopback"),
            ("64:ff9b:1::1", "private"),
            ("2002:7f00:1::", "loopback"),
            ("2002:a9fe:a9fe::1", "metadata"),
        ] {
            let found = not_public(address.parse().unwrap());
            assert!(found.is_some_and(|found| found.contains(what)), "{address}: {found:?}");
        }
        for public in [
            "1.1.1.1",
            "93.184.216.34",
            "172.32.0.1",
            "192.169.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "64:ff9b::101:101",
            "2002:101:101::",
        ] {
            assert_eq!(not_public(public.parse().unwrap()), None, "{public}");
        }
    }

    #[test]
    fn the_host_must_be_granted_as_written() {
        let policy = policy(&["example.org", "10.0.0.0/8:5432"], &[]);
        policy.check_host(&host("example.org"), 443).unwrap();
        policy.check_host(&host("10.1.1.1"), 5432).unwrap();
        let refusal = policy.check_host(&host("other.org"), 8443).unwrap_err().to_string();
        assert!(refusal.contains("--allow-net other.org:8443"), "{refusal}");
        let refusal = policy.check_host(&host("[::1]"), 80).unwrap_err().to_string();
        assert!(refusal.contains("--allow-net [::1]:80"), "{refusal}");
        assert!(policy.check_host(&host("db.internal"), 5432).is_err(), "a range is no name");
    }

    #[test]
    fn a_name_leads_only_to_what_is_public_or_granted() {
        let plain = policy(&["example.org:80"], &[]);
        let name = host("example.org");
        assert_eq!(plain.check_addresses(&name, 80, ips(&["1.1.1.1"])).unwrap(), ips(&["1.1.1.1"]));
        assert_eq!(
            plain.check_addresses(&name, 80, ips(&["127.0.0.1", "1.1.1.1"])).unwrap(),
            ips(&["1.1.1.1"])
        );
        let refusal = plain.check_addresses(&name, 80, ips(&["10.0.0.5", "::1"])).unwrap_err();
        assert!(
            refusal
                .to_string()
                .contains("a private address: register the plugin with --allow-net 10.0.0.5:80"),
            "{refusal}"
        );
        let refusal = plain.check_addresses(&name, 80, ips(&["fe80::1"])).unwrap_err();
        assert!(refusal.to_string().contains("--allow-net [fe80::1]:80"), "{refusal}");
        assert!(plain.check_addresses(&name, 80, []).unwrap().is_empty());

        let ranged = policy(&["example.org:80", "10.0.0.0/8:80"], &[]);
        assert_eq!(ranged.check_addresses(&name, 80, ips(&["10.0.0.5"])).unwrap(), ips(&["10.0.0.5"]));
        assert!(
            ranged.check_addresses(&name, 81, ips(&["10.0.0.5"])).is_err(),
            "the port is part of the grant"
        );
        assert!(ranged.check_addresses(&name, 80, ips(&["127.0.0.1"])).is_err());
    }

    #[test]
    fn localhost_means_the_loopback_and_nothing_else() {
        let policy = policy(&["localhost:3000"], &[]);
        let name = host("localhost");
        policy.check_host(&name, 3000).unwrap();
        assert_eq!(policy.check_addresses(&name, 3000, ips(&["127.0.0.1", "::1"])).unwrap().len(), 2);
        assert!(policy.check_addresses(&name, 3000, ips(&["10.0.0.1"])).is_err(), "whatever /etc/hosts says");
    }

    #[test]
    fn the_operator_may_count_a_range_as_public() {
        let policy = policy(&["db.internal:5432"], &["10.0.0.0/8"]);
        assert_eq!(
            policy.check_addresses(&host("db.internal"), 5432, ips(&["10.0.0.5"])).unwrap(),
            ips(&["10.0.0.5"])
        );
        assert!(policy.check_addresses(&host("db.internal"), 5432, ips(&["192.168.0.5"])).is_err());
        assert!(policy.check_host(&host("10.0.0.5"), 5432).is_err(), "a grant is needed all the same");
    }
}
