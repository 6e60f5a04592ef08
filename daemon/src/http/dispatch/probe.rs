//! One request to a process that no route names: does it answer as it should?

use std::rc::Rc;
use std::time::{Duration, Instant};

use http::{HeaderValue, Request, StatusCode, header};

use super::super::forward::{Client, Forwarded};
use super::Local;
use crate::link::{Failure, First, Link, Origin};
use crate::plugin::{Generation, Permit};

/// Why a process has not passed its probe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// The connection to the process has ended.
    #[error("its process ended before it had answered the probe")]
    Gone,
    /// It took too long.
    #[error("it has not answered the probe within {0:?}")]
    Late(Duration),
    /// Another status than 2xx.
    #[error("it has answered the probe with {0}, where 2xx was expected")]
    Status(StatusCode),
    /// No valid answer at all.
    #[error("it has not answered the probe: {0}")]
    Failed(String),
}

impl Local {
    /// GET of `path`, as the plugin sees it, until `due`. It is no client's request: neither counters nor gate see it.
    pub(crate) async fn probe(
        &self,
        generation: Generation,
        path: &str,
        due: Instant,
    ) -> Result<(), ProbeError> {
        let began = Instant::now();
        let link = self.link(generation).ok_or(ProbeError::Gone)?;
        let failed = |reason: &dyn std::fmt::Display| ProbeError::Failed(reason.to_string());
        let prefix = link.plugin().prefix.trim_end_matches('/');
        let request = Request::get(format!("{prefix}{path}")).header(header::HOST, "localhost").body(());
        let (head, ()) = request.map_err(|error| failed(&error))?.into_parts();
        let request_id: HeaderValue = self.ids.make();
        let client = Client { ip: "127.0.0.1", trusted: false };
        let forwarded = Forwarded::new(&head, &client, &link.plugin().prefix, &request_id);
        let origin = Origin { deadline: Some(due), depth: 0, request_id: Some(request_id.clone()) };
        let fields = forwarded.fields(&head.headers);
        let opened = link.open("GET", path, fields, First::Nothing, origin, None::<Permit<Rc<Link>>>);
        let (exchange, _) = opened.map_err(|error| failed(&error))?;
        let late = || ProbeError::Late(due.saturating_duration_since(began));
        let reply = match tokio::time::timeout_at(due.into(), exchange).await {
            Err(_) | Ok(Err(Failure::Deadline)) => return Err(late()),
            Ok(Err(Failure::Gone | Failure::Unsent)) => return Err(ProbeError::Gone),
            Ok(Err(failure)) => return Err(failed(&failure)),
            Ok(Ok(reply)) => reply,
        };
        // The rest of the answer is of no interest, and dropping it ends it.
        if reply.status.is_success() { Ok(()) } else { Err(ProbeError::Status(reply.status)) }
    }
}
