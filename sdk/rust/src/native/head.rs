//! Heads to and from the ABI.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use valor_abi::{valor_field, valor_request, valor_response, valor_str};

use super::bytes::{borrow, lend};
use crate::http::BoxError;

/// Method, target and headers of a request, without an allocation per header: the block is copied once, and values are
/// slices of it.
///
/// # Safety
///
/// `head` and what it points to are valid.
pub(super) unsafe fn request(head: &valor_request) -> Result<http::Request<()>, BoxError> {
    // SAFETY: the caller's promise.
    let lent = unsafe { borrow(head.block) };
    let block = Block { start: lent.as_ptr() as usize, bytes: Bytes::copy_from_slice(lent) };
    let mut request = http::Request::new(());
    // SAFETY: the caller's promise.
    *request.method_mut() = Method::from_bytes(unsafe { borrow(head.method) })?;
    // SAFETY: the caller's promise.
    *request.uri_mut() = Uri::from_maybe_shared(block.slice(unsafe { borrow(head.target) }))?;
    // SAFETY: the caller's promise.
    *request.headers_mut() = unsafe { fields(head.fields, head.field_count, &block) }?;
    Ok(request)
}

/// Status and headers of a fetched response.
///
/// # Safety
///
/// `head` and what it points to are valid.
pub(super) unsafe fn response(head: &valor_response) -> Result<http::Response<()>, BoxError> {
    let mut response = http::Response::new(());
    *response.status_mut() = http::StatusCode::from_u16(u16::try_from(head.status)?)?;
    let block = Block { start: 0, bytes: Bytes::new() };
    // SAFETY: the caller's promise.
    *response.headers_mut() = unsafe { fields(head.fields, head.field_count, &block) }?;
    Ok(response)
}

/// # Safety
///
/// There are `count` valid fields at `fields`.
unsafe fn fields(fields: *const valor_field, count: usize, block: &Block) -> Result<HeaderMap, BoxError> {
    let mut map = HeaderMap::with_capacity(count);
    if count == 0 {
        return Ok(map);
    }
    // SAFETY: the caller's promise.
    for field in unsafe { std::slice::from_raw_parts(fields, count) } {
        // SAFETY: the caller's promise.
        let name = HeaderName::from_bytes(unsafe { borrow(field.name) })?;
        // SAFETY: the caller's promise.
        let value = HeaderValue::from_maybe_shared(block.slice(unsafe { borrow(field.value) }))?;
        map.append(name, value);
    }
    Ok(map)
}

/// Our copy of a block of the shim.
struct Block {
    /// Where the shim's is.
    start: usize,
    bytes: Bytes,
}

impl Block {
    /// Our copy of `part`: the same place in the block where it is in the shim's, else one of its own.
    fn slice(&self, part: &[u8]) -> Bytes {
        let offset = (part.as_ptr() as usize).wrapping_sub(self.start);
        match offset.checked_add(part.len()) {
            Some(end) if end <= self.bytes.len() => self.bytes.slice(offset..end),
            _ => Bytes::copy_from_slice(part),
        }
    }
}

/// Lends the fields of `map` to `with`; up to [`INLINE`] of them without an allocation.
pub(super) fn with_fields<T>(map: &HeaderMap, with: impl FnOnce(&[valor_field]) -> T) -> T {
    let field = |(name, value): (&HeaderName, &HeaderValue)| valor_field {
        name: lend(name.as_str().as_bytes()),
        value: lend(value.as_bytes()),
    };
    if map.len() > INLINE {
        let fields: Vec<_> = map.iter().map(field).collect();
        return with(&fields);
    }
    let mut fields = [valor_field { name: EMPTY, value: EMPTY }; INLINE];
    for (slot, pair) in fields.iter_mut().zip(map) {
        *slot = field(pair);
    }
    with(&fields[..map.len()])
}

const INLINE: usize = 16;
const EMPTY: valor_str = lend(&[]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_slices_of_one_block() {
        let text = b"/p?q=1hostexample.org";
        let at = |from: usize, to: usize| lend(&text[from..to]);
        let fields = [
            valor_field { name: at(6, 10), value: at(10, 21) },
            valor_field { name: lend(b"host"), value: lend(b"elsewhere") },
            valor_field { name: lend(b"x-empty"), value: at(21, 21) },
        ];
        let head = valor_request {
            method: lend(b"PURGE"),
            target: at(0, 6),
            fields: fields.as_ptr(),
            field_count: fields.len(),
            block: lend(text),
            deadline_ms: 0,
            end: 1,
        };
        // SAFETY: everything is on this stack.
        let request = unsafe { request(&head) }.unwrap();
        assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("PURGE", "/p?q=1"));
        let values: Vec<_> = request.headers().get_all("host").iter().collect();
        assert_eq!(values, ["example.org", "elsewhere"]);
        assert_eq!(request.headers()["x-empty"], "");
    }

    #[test]
    fn many_fields_are_lent_as_few_are() {
        for count in [0, 1, INLINE, INLINE + 1] {
            let mut map = HeaderMap::new();
            for i in 0..count {
                map.append(if i % 2 == 0 { "x-even" } else { "x-odd" }, HeaderValue::from(i));
            }
            let seen = with_fields(&map, <[valor_field]>::len);
            assert_eq!(seen, count);
        }
    }
}
