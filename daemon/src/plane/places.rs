//! Places for client connections: so many in all, and fewer for any one client.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Shared by the acceptor, who takes places, and the workers, who give them back.
#[derive(Debug)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    for_one: usize,
    /// They stand for many clients.
    proxies: Vec<IpNet>,
    clients: Mutex<HashMap<IpAddr, Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    count: usize,
    /// That it has too many was said.
    told: bool,
}

/// One connection's place; free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    _share: Option<Share>,
}

#[derive(Debug)]
struct Share {
    client: IpAddr,
    places: Arc<Places>,
}

impl Places {
    pub(super) fn new(all: usize, for_one: usize, proxies: Vec<IpNet>) -> Arc<Self> {
        Arc::new(Self {
            all: Arc::new(Semaphore::new(all.clamp(1, Semaphore::MAX_PERMITS))),
            for_one: for_one.max(1),
            proxies,
            clients: Mutex::default(),
        })
    }

    /// A place for a connection of this client; waits while all are taken. `None` when the client has its share.
    pub(super) async fn take(self: &Arc<Self>, client: IpAddr) -> Option<Place> {
        let client = client.to_canonical();
        let share = if self.proxies.iter().any(|net| net.contains(&client)) {
            None
        } else {
            Some(self.share(network(client))?)
        };
        let permit = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(Place { _permit: permit, _share: share })
    }

    /// Nobody is connected, and nothing is kept of who has been.
    #[cfg(test)]
    pub(super) fn are_all_free(&self) -> bool {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn share(self: &Arc<Self>, client: IpAddr) -> Option<Share> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = clients.entry(client).or_default();
        if taken.count >= self.for_one {
            if !std::mem::replace(&mut taken.told, true) {
                tracing::warn!(
                    %client,
                    "has {} connections, and gets no more: if it is a proxy, name it in trusted_proxies, else see \
                     http.max_connections_per_client",
                    taken.count
                );
            }
            return None;
        }
        taken.count += 1;
        Some(Share { client, places: Arc::clone(self) })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut clients = self.places.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = clients.get_mut(&self.client) {
            taken.count -= 1;
            if taken.count == 0 {
                clients.remove(&self.client);
            }
        }
    }
}

/// Whom an address is counted as: of IPv6, one client has a whole /64.
fn network(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn take(places: &Arc<Places>, client: &str) -> Option<Option<Place>> {
        places.take(client.parse().unwrap()).now_or_never()
    }

    #[test]
    fn one_client_cannot_take_every_place() {
        let places = Places::new(4, 2, vec!["10.0.0.0/8".parse().unwrap()]);
        let first = take(&places, "192.0.2.1").unwrap().unwrap();
        let _second = take(&places, "::ffff:192.0.2.1").unwrap().unwrap();
        assert!(take(&places, "192.0.2.1").unwrap().is_none(), "it has its share");
        let _other = take(&places, "2001:db8::1").unwrap().unwrap();
        drop(first);
        let _again = take(&places, "192.0.2.1").unwrap().unwrap();
        let _same_network = take(&places, "2001:db8::2:1").unwrap().unwrap();
        assert!(take(&places, "2001:db8::3").unwrap().is_none());
        assert!(take(&places, "2001:db8:0:1::1").is_none(), "another one waits: all four are taken");
    }

    #[test]
    fn a_proxy_stands_for_many_and_nothing_is_kept_of_who_has_gone() {
        let places = Places::new(9, 1, vec!["10.0.0.0/8".parse().unwrap()]);
        let _all: Vec<_> = (0..8).map(|_| take(&places, "10.1.2.3").unwrap().unwrap()).collect();
        drop(take(&places, "192.0.2.1"));
        assert!(places.are_all_free());
    }
}
