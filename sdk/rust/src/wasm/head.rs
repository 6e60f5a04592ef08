//! Heads to and from frames.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use valor_abi::message::{Field, Fields};

use crate::http::BoxError;

/// Method, target and headers of a request.
pub(super) fn request(method: &str, target: &str, fields: Fields<'_>) -> Result<http::Request<()>, BoxError> {
    let mut request = http::Request::new(());
    *request.method_mut() = Method::from_bytes(method.as_bytes())?;
    *request.uri_mut() = Uri::try_from(target)?;
    *request.headers_mut() = headers(fields)?;
    Ok(request)
}

/// Status and headers of a fetched response.
pub(super) fn response(status: u16, fields: Fields<'_>) -> Result<http::Response<()>, BoxError> {
    let mut response = http::Response::new(());
    *response.status_mut() = http::StatusCode::from_u16(status)?;
    *response.headers_mut() = headers(fields)?;
    Ok(response)
}

/// One copy for all values, which are slices of it.
fn headers(fields: Fields<'_>) -> Result<HeaderMap, BoxError> {
    let block = Bytes::copy_from_slice(fields.block());
    let start = fields.block().as_ptr().addr();
    let mut map = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields.iter() {
        let at = value.as_ptr().addr() - start;
        let value = HeaderValue::from_maybe_shared(block.slice(at..at + value.len()))?;
        map.append(HeaderName::from_bytes(name.as_bytes())?, value);
    }
    Ok(map)
}

/// The fields of `map`, as they are written.
pub(super) fn fields(map: &HeaderMap) -> impl Iterator<Item = Field<'_>> {
    map.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
}
