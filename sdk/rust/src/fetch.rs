//! Requests that a plugin makes.

use url::Url;

use crate::Error;
use crate::http::{Body, Request, Response, StatusCode, Uri};

/// Makes a request through valord, which checks the plugin's grants (`--allow-net`), does names and TLS, and writes it
/// down. A path (`/hello?who=you`) calls another plugin of the same valord, by its public prefix, and needs no grant.
///
/// Bodies are streamed both ways. A fetch made by a handler (not by a task that it has spawned) has at most the time that
/// the request has left that it is made for.
///
/// ```no_run
/// # use valor::*;
/// # async fn example() -> http::Result<()> {
/// let text = fetch("https://example.org/").await?.into_text().await?;
/// let made = fetch(http::Request::post("/notes", "a note")?).await?;
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// When the request is refused or nobody answers it. An answer with an error status is an answer.
pub async fn fetch(request: impl IntoRequest) -> Result<Response, Error> {
    let request = request.into_request()?;
    #[cfg(not(target_family = "wasm"))]
    {
        match crate::test::stubbed(request) {
            Ok(answer) => answer.await.unwrap_or_else(|_| Err(Error::Fetch("the stub panicked".to_owned()))),
            Err(request) => crate::native::fetch(request).await,
        }
    }
    #[cfg(target_family = "wasm")]
    {
        crate::wasm::fetch(request).await
    }
}

/// What can be fetched: a URL or path as text, a `Url`, a request.
pub trait IntoRequest {
    /// The request.
    ///
    /// # Errors
    ///
    /// When it is none.
    fn into_request(self) -> Result<Request, Error>;
}

impl IntoRequest for Request {
    fn into_request(self) -> Result<Request, Error> {
        Ok(self)
    }
}

impl<B: Into<Body>> IntoRequest for ::http::Request<B> {
    fn into_request(self) -> Result<Request, Error> {
        Ok(self.into())
    }
}

impl IntoRequest for &str {
    fn into_request(self) -> Result<Request, Error> {
        Request::get(self).map_err(|e| Error::Http(e.with_status(StatusCode::InternalServerError)))
    }
}

impl IntoRequest for &String {
    fn into_request(self) -> Result<Request, Error> {
        self.as_str().into_request()
    }
}

impl IntoRequest for String {
    fn into_request(self) -> Result<Request, Error> {
        self.as_str().into_request()
    }
}

impl IntoRequest for Url {
    fn into_request(self) -> Result<Request, Error> {
        self.as_str().into_request()
    }
}

impl IntoRequest for &Url {
    fn into_request(self) -> Result<Request, Error> {
        self.as_str().into_request()
    }
}

impl IntoRequest for Uri {
    fn into_request(self) -> Result<Request, Error> {
        Ok(Request::get(self)?)
    }
}
