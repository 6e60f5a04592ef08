//! Connects where the grants allow: a name is resolved once, each address is asked about, and the connection goes to one that
//! was permitted, so that a second answer of the resolver cannot change the target (DNS rebinding).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;
use url::Host;

use super::policy::{Policy, Refusal};

/// The connector of one plugin's client.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) policy: Arc<Policy>,
    /// For one address to answer.
    pub(super) timeout: Duration,
    pub(super) lookup: Lookup,
}

/// From a name to its addresses.
pub(super) type Lookup =
    Arc<dyn Fn(String, u16) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// The system's.
pub(super) fn system_lookup() -> Lookup {
    Arc::new(|name, port| {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, port)).await?.map(|a| a.ip()).collect()) })
    })
}

/// A URL that `fetch` does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadTarget {
    /// Another scheme.
    #[error("fetch takes http and https URLs, and paths of this valord, not {0}")]
    Scheme(String),
    /// No host, or one that is no name and no address.
    #[error("the URL has no valid host")]
    Host,
}

impl Connector {
    async fn connect(self, uri: Uri) -> io::Result<TokioIo<TcpStream>> {
        let (host, port) = target(&uri).map_err(io::Error::other)?;
        let found: Vec<IpAddr> = match &host {
            Host::Ipv4(ip) => vec![(*ip).into()],
            Host::Ipv6(ip) => vec![(*ip).into()],
            Host::Domain(name) => (self.lookup)(name.clone(), port).await?,
        };
        let permitted = self.policy.check_addresses(&host, port, found).map_err(io::Error::other)?;
        let mut last = io::Error::new(io::ErrorKind::NotFound, format!("{host} has no address"));
        for ip in permitted {
            match tokio::time::timeout(self.timeout, TcpStream::connect(SocketAddr::new(ip, port))).await {
                Ok(Ok(stream)) => {
                    stream.set_nodelay(true)?;
                    return Ok(TokioIo::new(stream));
                }
                Ok(Err(error)) => last = error,
                Err(_) => last = io::Error::new(io::ErrorKind::TimedOut, format!("{ip} does not answer")),
            }
        }
        Err(last)
    }
}

/// The host, normalised, and the port of an http or https URL.
pub(super) fn target(uri: &Uri) -> Result<(Host<String>, u16), BadTarget> {
    let port = match (uri.scheme_str(), uri.port_u16()) {
        (Some("http" | "https"), Some(port)) => port,
        (Some("http"), None) => 80,
        (Some("https"), None) => 443,
        (scheme, _) => {
            return Err(BadTarget::Scheme(scheme.unwrap_or("a URL without scheme").to_owned()));
        }
    };
    let host = uri.host().map(|h| h.strip_suffix('.').unwrap_or(h)).ok_or(BadTarget::Host)?;
    Host::parse(host).map(|host| (host, port)).map_err(|_| BadTarget::Host)
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

/// What the connector refused, wherever in the chain of errors it is.
pub(super) fn refusal<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Refusal> {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error
        .downcast_ref::<Refusal>()
        .or_else(|| inner.and_then(|e| e.downcast_ref()))
        .or_else(|| error.source().and_then(refusal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_normalised() {
        let of = |uri: &str| target(&uri.parse().unwrap()).map(|(host, port)| (host.to_string(), port));
        assert_eq!(of("http://Example.ORG./x"), Ok(("example.org".to_owned(), 80)));
        assert_eq!(of("https://[::1]:8443/"), Ok(("[::1]".to_owned(), 8443)));
        assert_eq!(of("https://example.org"), Ok(("example.org".to_owned(), 443)));
        // Other spellings of an address are the address (WHATWG URL, host parsing).
        assert_eq!(of("http://127.1/"), Ok(("127.0.0.1".to_owned(), 80)));
        assert_eq!(of("ftp://example.org/"), Err(BadTarget::Scheme("ftp".to_owned())));
    }
}
