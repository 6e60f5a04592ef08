//! What is published to browsers, below `/_valor/`.

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use super::{Body, Kind, Problem};
use crate::web::{File, ROOT, Site};

/// Where it begins; what else begins so is not there.
pub(crate) const PREFIX: &str = "/_valor";

/// Answers a request for a published file.
pub(crate) fn answer(site: &Site, head: &Parts) -> Result<Response<Body>, Problem> {
    let path = head.uri.path();
    let is_there = site.find(ROOT).is_some() && path == PREFIX;
    let file = site.find(path);
    if file.is_none() && !is_there {
        return Err(Problem::new(Kind::NotFound, "nothing is published to browsers at this path"));
    }
    if head.method != Method::GET && head.method != Method::HEAD {
        return Err(Problem::new(Kind::MethodNotAllowed, "what is published can only be read"));
    }
    match file {
        Some(file) => Ok(send(file, head)),
        None => Ok(moved(ROOT)),
    }
}

fn send(file: &File, head: &Parts) -> Response<Body> {
    let gzip = file.gzip.as_ref().filter(|_| takes_gzip(&head.headers));
    let etag = file.etag(gzip.is_some());
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.extend(file.headers.iter().cloned());
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    if file.gzip.is_some() {
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if is_known(&head.headers, &etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    let body = gzip.unwrap_or(&file.body);
    if gzip.is_some() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    if head.method == Method::HEAD { response } else { response.map(|_| Body::whole(body.clone())) }
}

fn moved(to: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(to));
    response
}

/// Whether the client has it already (RFC 9110 section 13.1.2).
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = known.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// Whether the client wants it compressed (RFC 9110 section 12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut any = None;
    for coding in codings.flat_map(|value| value.split(',')) {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let wanted = weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0));
        if name.eq_ignore_ascii_case("gzip") {
            return wanted;
        }
        if name == "*" {
            any = Some(wanted);
        }
    }
    any.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_negotiated() {
        for (accepted, gzip) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5, br", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("br", false),
            ("*", true),
            ("*;q=0", false),
            ("*, gzip;q=0", false),
            ("identity", false),
            ("", false),
            ("gzip;q=nonsense", false),
        ] {
            let headers =
                HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted))]);
            assert_eq!(takes_gzip(&headers), gzip, "{accepted}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn what_is_known_is_not_sent_again() {
        for (tags, known) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
        ] {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(tags))]);
            assert_eq!(is_known(&headers, "\"a\""), known, "{tags}");
        }
    }
}
