//! Grants: what is accepted says one thing, and permits no more than it says.

use std::net::IpAddr;
use std::path::{Component, Path};

use url::Host;

use crate::config::{Wanted, build_grants};
use crate::egress::policy::not_public;
use crate::egress::{NetGrant, Policy};
use crate::plugin::Grants;

/// The address of every name; private, so that a name alone never leads there.
const INSIDE: &str = "10.1.2.3";

/// Lines: a host and a port to ask for, then grants, each told by its first character: `n`et, `r`ead, `w`rite, `e`nv.
///
/// # Panics
///
/// When a grant changes by being written and read, permits what it does not name, or is dangerous in itself.
pub fn grants(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut lines = text.split('\n');
    let asked = lines.next().unwrap_or_default();
    let mut wanted = Wanted::default();
    for line in lines {
        let mut rest = line.chars();
        let list = match rest.next() {
            Some('n') => &mut wanted.net,
            Some('r') => &mut wanted.read,
            Some('w') => &mut wanted.write,
            Some('e') => &mut wanted.env,
            _ => continue,
        };
        list.push(rest.as_str().to_owned());
    }
    // One that is refused must not keep the others from being looked at.
    for text in &wanted.net {
        let one = Wanted { net: vec![text.clone()], ..Wanted::default() };
        if let Ok(grants) = build_grants(&one, |_| None) {
            permits_what_it_says(&grants, asked);
        }
    }
    match build_grants(&wanted, |name| (name == "SET").then(|| "value".to_owned())) {
        Ok(grants) => is_sound(&grants),
        Err(wrong) => {
            assert!(
                !wrong.is_empty()
                    && wrong.iter().all(|(key, reason)| key.contains('[') && !reason.is_empty())
            );
        }
    }
}

fn is_sound(grants: &Grants) {
    for path in grants.read.iter().chain(&grants.write) {
        let plain = path.components().skip(1).all(|part| matches!(part, Component::Normal(_)));
        assert!(path.is_absolute() && plain && path != Path::new("/"), "{path:?}");
    }
    for (name, value) in &grants.env {
        assert!(
            !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0'),
            "{name:?}={value:?}"
        );
        assert!(!name.starts_with("LD_"), "{name} steers the loader");
    }
    let text =
        |paths: &[std::path::PathBuf]| paths.iter().map(|p| p.to_string_lossy().into_owned()).collect();
    let again = Wanted {
        net: grants.net.clone(),
        read: text(&grants.read),
        write: text(&grants.write),
        env: grants.env.iter().map(|(name, value)| format!("{name}={value}")).collect(),
    };
    assert_eq!(build_grants(&again, |_| None).as_ref(), Ok(grants), "what is kept reads the same");
}

fn permits_what_it_says(grants: &Grants, asked: &str) {
    let [grant] = &grants.net[..] else { panic!("one was given, and {:?} kept", grants.net) };
    let read: NetGrant = grant.parse().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(&read.to_string(), grant);
    let (host, port) = asked.rsplit_once(':').unwrap_or((asked, "443"));
    let (Ok(host), Ok(port)) = (Host::parse(host), port.parse::<u16>()) else { return };
    let policy = Policy::new(grants, &[]);
    let permitted = policy.check_host(&host, port).is_ok();
    assert_eq!(permitted, says(grant, &host, port), "{grant} and {host}:{port}");
    // Where a name leads is another question, and only an address, a range or `localhost` answers it.
    let Ok(inside) = INSIDE.parse::<IpAddr>() else { return };
    let lent = policy.check_addresses(&host, port, [inside]).is_ok_and(|good| !good.is_empty());
    assert_eq!(lent, says(grant, &Host::Ipv4([10, 1, 2, 3].into()), port), "{grant} and {INSIDE}:{port}");
    assert!(not_public(inside).is_some());
}

/// The slow way, from the text.
fn says(grant: &str, host: &Host<String>, port: u16) -> bool {
    let (to, only) = match grant.rsplit_once(':') {
        Some((to, digits)) if !digits.contains(']') => (to, digits.parse::<u16>().ok()),
        _ => (grant, None),
    };
    let to = to.trim_start_matches('[').trim_end_matches(']');
    let port_ok = only.map_or(port == 80 || port == 443, |only| only == port);
    let net = to.parse::<ipnet::IpNet>().ok().or_else(|| to.parse::<IpAddr>().ok().map(Into::into));
    let address_ok = |address: IpAddr| {
        let address = address.to_canonical();
        net.map_or(to == "localhost" && address.is_loopback(), |net| net.contains(&address))
    };
    port_ok
        && match host {
            Host::Ipv4(address) => address_ok((*address).into()),
            Host::Ipv6(address) => address_ok((*address).into()),
            Host::Domain(name) => {
                let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
                match to.strip_prefix('*') {
                    Some(tail) => name.len() > tail.len() && name.ends_with(&tail.to_ascii_lowercase()),
                    None => net.is_none() && name == to.to_ascii_lowercase(),
                }
            }
        }
}
