//! Where a plugin's `fetch` goes: by path to another plugin, by URL to the network, as far as its grants reach.
//!
//! [`Egress`] decides and writes down; `grant` says what a grant means, [`policy`] which addresses it opens, `connect` connects to
//! those and no others, `client` makes the calls.

mod client;
mod connect;
mod grant;
pub mod policy;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use futures_util::future::LocalBoxFuture;
use http::Uri;
use ipnet::IpNet;

use crate::link::{Body, BoxedBody, Caller, FetchError, FetchErrorKind, Fetcher};
use crate::plane::Dispatcher;
use crate::plugin::Plugin;
use client::Client;

pub use grant::{GrantError, NetGrant};
pub use policy::{Policy, Refusal};

/// A field of a fetch that is for the daemon and goes no further: `manual` leaves redirects to the plugin.
const REDIRECT: &str = "valor-redirect";

/// What holds for every plugin's fetches.
#[derive(Debug, Clone)]
pub struct EgressOptions {
    /// Address ranges that count as public.
    pub allow_private: Vec<IpNet>,
    /// For one address to answer.
    pub connect_timeout: Duration,
}

impl Default for EgressOptions {
    fn default() -> Self {
        Self { allow_private: Vec::new(), connect_timeout: Duration::from_secs(10) }
    }
}

/// One worker's egress.
pub struct Egress {
    dispatcher: Dispatcher,
    options: Arc<EgressOptions>,
    /// A client each, since connections are kept: what one plugin may reach must not serve another.
    clients: RefCell<HashMap<usize, Owned>>,
}

/// A client, while its plugin lives.
type Owned = (Weak<Plugin>, Rc<Client>);

impl std::fmt::Debug for Egress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Egress").finish_non_exhaustive()
    }
}

impl Egress {
    /// The egress of `dispatcher`'s worker.
    #[must_use]
    pub fn new(dispatcher: Dispatcher, options: Arc<EgressOptions>) -> Self {
        Self { dispatcher, options, clients: RefCell::default() }
    }

    fn client(&self, plugin: &Arc<Plugin>) -> Rc<Client> {
        let key = Arc::as_ptr(plugin).addr();
        let mut clients = self.clients.borrow_mut();
        // The key of a plugin that is gone may be another's now.
        clients.retain(|_, (owner, _)| owner.strong_count() > 0);
        let (_, client) = clients.entry(key).or_insert_with(|| {
            let policy = Policy::new(&plugin.grants, &self.options.allow_private);
            let client = Client::new(policy, plugin.limits.idle_timeout, self.options.connect_timeout);
            (Arc::downgrade(plugin), Rc::new(client))
        });
        Rc::clone(client)
    }
}

impl Fetcher for Egress {
    fn fetch(
        &self,
        caller: Caller,
        mut request: http::Request<Body>,
    ) -> LocalBoxFuture<'static, Result<http::Response<BoxedBody>, FetchError>> {
        let follow = request.headers_mut().remove(REDIRECT).is_none_or(|mode| mode != "manual");
        let entry = Entry::new(&caller, &request);
        let uri = request.uri();
        // `example.org:80` is no path either; the client says so.
        if uri.scheme().is_none() && uri.authority().is_none() {
            return Box::pin(entry.write(self.dispatcher.call(&caller, request)));
        }
        let client = self.client(&caller.plugin);
        let deadline = caller.deadline.unwrap_or_else(|| Instant::now() + caller.plugin.timeout());
        Box::pin(entry.write(async move {
            tokio::time::timeout_at(deadline.into(), client.send(request, follow)).await.unwrap_or_else(
                |_| {
                    let reason = "the deadline of the request has passed".to_owned();
                    Err(FetchError { kind: FetchErrorKind::Deadline, reason })
                },
            )
        }))
    }
}

/// What is written down of one fetch: never its query, which may hold secrets.
struct Entry {
    plugin: Arc<Plugin>,
    method: http::Method,
    target: String,
    request_id: Option<http::HeaderValue>,
}

impl Entry {
    fn new(caller: &Caller, request: &http::Request<Body>) -> Self {
        Self {
            plugin: Arc::clone(&caller.plugin),
            method: request.method().clone(),
            target: without_query(request.uri()),
            request_id: caller.request_id.clone(),
        }
    }

    async fn write(
        self,
        fetch: impl Future<Output = Result<http::Response<BoxedBody>, FetchError>>,
    ) -> Result<http::Response<BoxedBody>, FetchError> {
        let result = fetch.await;
        let Some(left_out) = self.plugin.lines.take() else { return result };
        let (plugin, method, fetch) = (&*self.plugin.name, self.method.as_str(), &self.target);
        let request_id = self.request_id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default();
        if left_out > 0 {
            tracing::warn!(target: "egress", plugin, left_out, "fetches were not written down: there are too many");
        }
        match &result {
            Ok(response) => {
                let status = response.status().as_u16();
                tracing::info!(target: "egress", plugin, method, fetch, status, request_id);
            }
            Err(error) => {
                tracing::warn!(target: "egress", plugin, method, fetch, request_id, kind = ?error.kind, "{error}");
            }
        }
        result
    }
}

fn without_query(uri: &Uri) -> String {
    let origin = match (uri.scheme_str(), uri.host(), uri.port_u16()) {
        (Some(scheme), Some(host), Some(port)) => format!("{scheme}://{host}:{port}"),
        (Some(scheme), Some(host), None) => format!("{scheme}://{host}"),
        _ => String::new(),
    };
    origin + uri.path()
}

#[cfg(test)]
mod tests;
