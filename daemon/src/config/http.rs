//! Bounds of the HTTP front as an operator writes them, and what is too much or too little.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use valor_control::units::{Size, Span};

use crate::http::HttpOptions;
use crate::plane::PlaneOptions;

/// What clients may do. Every key may be left out.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct HttpFile {
    /// For a request head to arrive, from its first byte; then 408. 10s.
    header_timeout: Option<Span>,
    /// For the next request of a connection to begin. 75s.
    idle_timeout: Option<Span>,
    /// For a client to take some of what was sent to it. 60s.
    write_timeout: Option<Span>,
    /// The longest request head; beyond it 414 or 431. 64KiB.
    max_head: Option<Size>,
    /// The most header fields; beyond it 431. 100.
    max_headers: Option<usize>,
    /// Requests at once on one connection of HTTP/2. 128.
    max_streams: Option<u32>,
    /// Client connections; more wait in the listener's queue. 16384.
    max_connections: Option<usize>,
    /// Connections of one client (an IPv4 address, or a /64 of IPv6); more are closed at once. Trusted proxies may have
    /// all. Half of `max_connections`.
    max_connections_per_client: Option<usize>,
}

/// Bounds of the HTTP front, and of its connections.
#[derive(Debug, Clone, PartialEq)]
pub struct Front {
    /// Of each connection.
    pub http: HttpOptions,
    /// See [`PlaneOptions::max_connections`].
    pub max_connections: usize,
    /// See [`PlaneOptions::max_connections_per_client`].
    pub max_connections_per_client: usize,
}

impl HttpFile {
    /// # Errors
    /// With the key and what is wrong with its value.
    pub(super) fn settle(self) -> Result<Front, (&'static str, String)> {
        let base = PlaneOptions::default();
        let http = HttpOptions {
            header_timeout: self.header_timeout.map_or(base.http.header_timeout, |span| span.0),
            idle_timeout: self.idle_timeout.map_or(base.http.idle_timeout, |span| span.0),
            write_timeout: self.write_timeout.map_or(base.http.write_timeout, |span| span.0),
            max_head: match self.max_head {
                Some(size) => usize::try_from(size.0).unwrap_or(usize::MAX),
                None => base.http.max_head,
            },
            max_headers: self.max_headers.unwrap_or(base.http.max_headers),
            max_streams: self.max_streams.unwrap_or(base.http.max_streams),
            trusted_proxies: Vec::new(),
        };
        let max_connections = self.max_connections.unwrap_or(base.max_connections);
        let front = Front {
            max_connections,
            max_connections_per_client: self
                .max_connections_per_client
                .unwrap_or(max_connections.div_ceil(2)),
            http,
        };
        front.check()?;
        Ok(front)
    }
}

impl Front {
    fn check(&self) -> Result<(), (&'static str, String)> {
        let hour = Duration::from_secs(3600);
        for (key, span) in [
            ("header_timeout", self.http.header_timeout),
            ("idle_timeout", self.http.idle_timeout),
            ("write_timeout", self.http.write_timeout),
        ] {
            if span < Duration::from_millis(1) || span > hour {
                return Err((key, "must be between 1ms and 1h".to_owned()));
            }
        }
        for (key, value, least, most) in [
            ("max_head", self.http.max_head, 1024, 64 * 1024),
            ("max_headers", self.http.max_headers, 8, 1024),
            ("max_streams", self.http.max_streams as usize, 1, 4096),
            ("max_connections", self.max_connections, 1, 1 << 20),
            ("max_connections_per_client", self.max_connections_per_client, 1, 1 << 20),
        ] {
            if value < least || value > most {
                return Err((key, format!("{value} is not between {least} and {most}")));
            }
        }
        Ok(())
    }
}
