//! Requests.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::arrived::{Arrived, Lazy};
use super::{Body, Error, HeaderName, HeaderValue, Method, Result, StatusCode, Uri, header};

/// A request: `::http::Request<Body>`, and what one wants to know about it in one call.
pub struct Request {
    inner: Lazy,
    url: OnceLock<Box<Url>>,
}

impl Request {
    /// A request, for [`fetch`](crate::fetch) or a test.
    ///
    /// # Errors
    ///
    /// 400 when `uri` is none.
    pub fn new(method: Method, uri: impl TryInto<Uri, Error: std::error::Error>) -> Result<Self> {
        let uri =
            uri.try_into().map_err(|e| Error::from_str(StatusCode::BadRequest, format!("not a URI: {e}")))?;
        let mut inner = ::http::Request::new(Body::empty());
        *inner.method_mut() = method;
        *inner.uri_mut() = uri;
        Ok(inner.into())
    }

    /// `GET uri`.
    ///
    /// # Errors
    ///
    /// 400 when `uri` is none.
    pub fn get(uri: impl TryInto<Uri, Error: std::error::Error>) -> Result<Self> {
        Self::new(Method::GET, uri)
    }

    /// `POST uri` with a body.
    ///
    /// # Errors
    ///
    /// 400 when `uri` is none.
    pub fn post(uri: impl TryInto<Uri, Error: std::error::Error>, body: impl Into<Body>) -> Result<Self> {
        let mut request = Self::new(Method::POST, uri)?;
        *request.body_mut() = body.into();
        Ok(request)
    }

    /// The builder of the `http` crate; what it builds can be fetched, too.
    pub fn builder() -> ::http::request::Builder {
        ::http::Request::builder()
    }

    /// The method.
    pub fn method(&self) -> &Method {
        self.inner.head().map_or_else(|| self.deref().method(), |head| &head.method)
    }

    /// The target: path and query, without the prefix that the plugin is registered under.
    pub fn uri(&self) -> &Uri {
        self.inner.head().map_or_else(|| self.deref().uri(), |head| &head.uri)
    }

    /// The URL. Its path is without the prefix that the plugin is registered under (that stands in
    /// `x-forwarded-prefix`); scheme and host are the client's as far as they are known.
    pub fn url(&self) -> &Url {
        self.url.get_or_init(|| Box::new(url(self)))
    }

    /// A header's value, when it is there, once or first, and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        match self.inner.head() {
            Some(head) => head.fields.text(name),
            None => self.headers().get(name)?.to_str().ok(),
        }
    }

    /// The query, read into a `T`.
    ///
    /// # Errors
    ///
    /// 400 when it does not fit.
    pub fn query<T: DeserializeOwned>(&self) -> Result<T> {
        serde_urlencoded::from_str(self.uri().query().unwrap_or_default())
            .map_err(|e| Error::from_str(StatusCode::BadRequest, format!("the query does not fit: {e}")))
    }

    /// The body as an HTML form (`application/x-www-form-urlencoded`).
    ///
    /// # Errors
    ///
    /// 400 when it does not fit, and when it is incomplete.
    pub async fn form<T: DeserializeOwned>(&mut self) -> Result<T> {
        serde_urlencoded::from_bytes(&self.bytes().await?)
            .map_err(|e| Error::from_str(StatusCode::BadRequest, format!("the form does not fit: {e}")))
    }

    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// 400 when it does not fit, and when it is incomplete.
    pub async fn json<T: DeserializeOwned>(&mut self) -> Result<T> {
        self.take_body().json().await
    }

    /// The body as text.
    ///
    /// # Errors
    ///
    /// 400 when it is not UTF-8, and when it is incomplete.
    pub async fn text(&mut self) -> Result<String> {
        self.take_body().text().await
    }

    /// The whole body.
    ///
    /// # Errors
    ///
    /// 400 when it is incomplete.
    pub async fn bytes(&mut self) -> Result<Bytes> {
        self.take_body().bytes().await
    }

    /// The body, to be read as it arrives; the request stays with an empty one.
    pub fn take_body(&mut self) -> Body {
        self.inner.take_body()
    }

    /// The body.
    #[must_use]
    pub fn into_body(mut self) -> Body {
        self.inner.take_body()
    }

    /// The same request with another header field.
    ///
    /// # Errors
    ///
    /// When name or value cannot stand in a header.
    pub fn with_header(
        mut self,
        name: impl TryInto<HeaderName, Error: std::error::Error + Send + Sync + 'static>,
        value: impl TryInto<HeaderValue, Error: std::error::Error + Send + Sync + 'static>,
    ) -> Result<Self> {
        // Through `DerefMut`, which forgets the URL: the header may be `host`.
        self.headers_mut().append(name.try_into()?, value.try_into()?);
        Ok(self)
    }

    /// The same request with another body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Body>) -> Self {
        *self.inner.whole_mut().body_mut() = body.into();
        self
    }

    /// The same request with a body of JSON.
    ///
    /// # Errors
    ///
    /// When `value` cannot be written as JSON.
    pub fn with_json(mut self, value: &(impl Serialize + ?Sized)) -> Result<Self> {
        let value = serde_json::to_vec(value)?;
        let json = HeaderValue::from_static("application/json");
        self.inner.whole_mut().headers_mut().insert(header::CONTENT_TYPE, json);
        Ok(self.with_body(value))
    }

    pub(crate) fn arrive(head: Arrived, body: Body) -> Self {
        Self { inner: Lazy::arrived(head, body), url: OnceLock::new() }
    }

    #[cfg(test)]
    pub(super) fn inner(&self) -> &Lazy {
        &self.inner
    }
}

fn url(request: &Request) -> Url {
    let uri = request.uri();
    let header = |name: &str| request.header(name);
    let target = uri.path_and_query().map(|p| p.as_str()).filter(|t| t.starts_with('/')).unwrap_or("/");
    let host = uri.authority().map(|a| a.as_str()).or_else(|| header("host")).unwrap_or("localhost");
    let scheme = match uri.scheme_str().or_else(|| header("x-forwarded-proto")) {
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
        _ => "http",
    };
    let fallback = || {
        let mut url = NOWHERE.get_or_init(nowhere).clone();
        url.set_path(uri.path());
        url.set_query(uri.query());
        url
    };
    Url::parse(&format!("{scheme}://{host}{target}")).unwrap_or_else(|_| fallback())
}

static NOWHERE: OnceLock<Url> = OnceLock::new();

fn nowhere() -> Url {
    Url::parse("http://localhost/").expect("a URL")
}

impl Default for Request {
    fn default() -> Self {
        ::http::Request::new(Body::empty()).into()
    }
}

impl Deref for Request {
    type Target = ::http::Request<Body>;

    fn deref(&self) -> &Self::Target {
        self.inner.whole()
    }
}

impl DerefMut for Request {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.url.take();
        self.inner.whole_mut()
    }
}

impl<B: Into<Body>> From<::http::Request<B>> for Request {
    fn from(request: ::http::Request<B>) -> Self {
        Self { inner: Lazy::built(request.map(Into::into)), url: OnceLock::new() }
    }
}

impl From<Request> for ::http::Request<Body> {
    fn from(request: Request) -> Self {
        request.inner.into_whole()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn the_url_is_the_clients_as_far_as_it_is_known() {
        let request = Request::get("/a%20b?who=x%26y").unwrap();
        assert_eq!(request.url().as_str(), "http://localhost/a%20b?who=x%26y");
        assert_eq!(request.url().query_pairs().next().unwrap().1, "x&y");
        let request = request.with_header("host", "example.org:81").unwrap();
        let mut request = request.with_header("x-forwarded-proto", "https").unwrap();
        assert_eq!(request.url().as_str(), "https://example.org:81/a%20b?who=x%26y");
        *request.uri_mut() = Uri::from_static("/other");
        assert_eq!(request.url().path(), "/other");
    }

    #[test]
    fn the_url_never_fails() {
        for host in ["[", "a b", "", "::", "/etc", "%zz"] {
            let request = Request::get("/p?q").unwrap().with_header("host", host).unwrap();
            assert_eq!(request.url().query(), Some("q"), "{host}: {}", request.url());
        }
        assert_eq!(Request::new(Method::OPTIONS, "*").unwrap().url().host_str(), Some("localhost"));
    }

    #[test]
    fn query_form_and_json_are_one_call() {
        #[derive(Debug, PartialEq, serde::Deserialize, serde::Serialize)]
        struct Pair {
            a: u8,
            b: String,
        }
        let pair = Pair { a: 1, b: "x y".into() };
        assert_eq!(Request::get("/?a=1&b=x+y").unwrap().query::<Pair>().unwrap(), pair);
        assert_eq!(Request::get("/?a=1000&b=").unwrap().query::<Pair>().unwrap_err().status(), 400);
        let mut form = Request::post("/", "a=1&b=x%20y").unwrap();
        assert_eq!(form.form::<Pair>().now_or_never().unwrap().unwrap(), pair);
        let mut json = Request::default().with_json(&pair).unwrap();
        assert_eq!(json.json::<Pair>().now_or_never().unwrap().unwrap(), pair);
        assert_eq!(json.json::<Pair>().now_or_never().unwrap().unwrap_err().status(), 400, "taken");
    }
}
