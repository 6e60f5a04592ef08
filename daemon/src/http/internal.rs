//! What the daemon answers under `/_`. Nothing here can change anything.

use axum::Router;
use axum::routing::get;
use http::{Method, Request, Response};
use tower_service::Service as _;

use super::{Body, Kind, Problem};

/// The daemon's own pages.
#[derive(Debug, Clone)]
pub(crate) struct Internal(Router);

impl Internal {
    pub(crate) fn new() -> Self {
        let health = || async { axum::Json(serde_json::json!({ "status": "ok" })) };
        Self(Router::new().route("/_health", get(health)))
    }

    /// Answers a request whose path begins with `/_`.
    pub(crate) async fn answer(&self, method: &Method, uri: &http::Uri) -> Result<Response<Body>, Problem> {
        let mut request = Request::new(axum::body::Body::empty());
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri.clone();
        let Ok(response) = self.0.clone().call(request).await;
        if response.status() == http::StatusCode::NOT_FOUND {
            return Err(Problem::new(
                Kind::NotFound,
                "paths below /_ belong to valord, and it has none of this name",
            ));
        }
        Ok(response.map(Body::from))
    }
}
