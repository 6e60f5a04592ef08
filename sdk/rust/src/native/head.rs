//! Heads to and from the ABI.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use valor_abi::{valor_field, valor_request, valor_response, valor_str};

use super::bytes::{borrow, lend};
use crate::http::{Arrived, Body, BoxError, Fields, Request};

/// A request whose head is copied at once, and made a map of headers when somebody asks for it.
///
/// # Safety
///
/// `head` and what it points to are valid.
pub(super) unsafe fn request(head: &valor_request, body: Body) -> Result<Request, BoxError> {
    // SAFETY: the caller's promise.
    let mut fields = Fields::builder(unsafe { borrow(head.block) }, head.field_count);
    // SAFETY: the caller's promise.
    for field in unsafe { slice(head.fields, head.field_count) } {
        // SAFETY: the caller's promise.
        let name = unsafe { borrow(field.name) };
        // SAFETY: the caller's promise.
        fields.add(name, unsafe { borrow(field.value) });
    }
    // SAFETY: the caller's promise.
    let target = fields.place(unsafe { borrow(head.target) });
    // SAFETY: the caller's promise.
    let method = Method::from_bytes(unsafe { borrow(head.method) })?;
    let fields = fields.build();
    let uri = Uri::from_maybe_shared(fields.slice(target))?;
    Ok(Request::arrive(Arrived { method, uri, fields }, body))
}

/// # Safety
///
/// There are `count` valid fields at `fields`.
unsafe fn slice<'a>(fields: *const valor_field, count: usize) -> &'a [valor_field] {
    if count == 0 {
        return &[];
    }
    // SAFETY: the caller's promise; not empty, so not null.
    unsafe { std::slice::from_raw_parts(fields, count) }
}

/// Status and headers of a fetched response.
///
/// # Safety
///
/// `head` and what it points to are valid.
pub(super) unsafe fn response(head: &valor_response) -> Result<http::Response<()>, BoxError> {
    let mut response = http::Response::new(());
    *response.status_mut() = http::StatusCode::from_u16(u16::try_from(head.status)?)?;
    let mut map = HeaderMap::with_capacity(head.field_count);
    // SAFETY: the caller's promise.
    for field in unsafe { slice(head.fields, head.field_count) } {
        // SAFETY: the caller's promise.
        let name = HeaderName::from_bytes(unsafe { borrow(field.name) })?;
        // SAFETY: the caller's promise.
        let value = HeaderValue::from_bytes(unsafe { borrow(field.value) })?;
        map.append(name, value);
    }
    *response.headers_mut() = map;
    Ok(response)
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
        let request = unsafe { request(&head, Body::empty()) }.unwrap();
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
