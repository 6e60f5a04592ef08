//! Every way in which a head can be wrong, when it is written and when it is read.

use super::*;

const LIMITS: Limits = Limits {
    max_data: 128,
    max_head: 1024,
    max_fields: 3,
    max_streams: 8,
    initial_window: 64,
    max_window: 64,
    max_buffered: 0,
    max_queued: 1024,
};
const GET: RequestHead<'_> = RequestHead { method: "GET", target: "/a?b", deadline_ms: 7, parent: None };

fn request(head: &RequestHead<'_>, fields: &[Field<'_>]) -> Result<Vec<u8>, HeadError> {
    let mut out = b"before".to_vec();
    let result = write_request(&mut out, head, fields.iter().copied(), &LIMITS);
    assert!(out.starts_with(b"before"));
    result.inspect_err(|_| assert_eq!(out, b"before", "a failed head leaves nothing behind"))?;
    Ok(out.split_off(6))
}

fn response(status: u16, fields: &[Field<'_>]) -> Result<Vec<u8>, HeadError> {
    let mut out = Vec::new();
    write_response(&mut out, status, fields.iter().copied(), &LIMITS)
        .inspect_err(|_| assert!(out.is_empty()))?;
    Ok(out)
}

/// A response head with raw fields.
fn raw(count: u16, fields: &[u8]) -> Vec<u8> {
    [&200_u16.to_le_bytes()[..], &count.to_le_bytes(), fields].concat()
}

fn read_error(payload: &[u8]) -> HeadError {
    read_response(payload, &LIMITS).unwrap_err()
}

#[test]
fn a_request_survives_the_trip() {
    let parent = Some(StreamId::new(3, 1, 1));
    let head = RequestHead { parent, ..GET };
    let fields: [Field<'_>; 3] = [(b"host", b"x"), (b"x-own", b""), (b"cookie", b"\tobs \xff")];
    let bytes = request(&head, &fields).unwrap();
    let read = read_request(&bytes, &LIMITS).unwrap();
    assert_eq!((read.method, read.target, read.deadline_ms, read.parent), ("GET", "/a?b", 7, parent));
    let read: Vec<_> = read.fields.iter().map(|(_, name, value)| (name.as_bytes(), value)).collect();
    assert_eq!(read, fields);
}

#[test]
fn a_response_survives_the_trip() {
    for status in [200, 404, 599] {
        let bytes = response(status, &[]).unwrap();
        let read = read_response(&bytes, &LIMITS).unwrap();
        assert_eq!(read.status, status);
        assert!(read.fields.is_empty());
    }
}

#[test]
fn a_well_known_name_has_its_id_however_it_is_spelled() {
    let literal = [&[0, 6][..], b"cookie", &[1, 0], b"x"].concat();
    let payload = raw(1, &literal);
    let (id, name, value) = read_response(&payload, &LIMITS).unwrap().fields.iter().next().unwrap();
    assert_eq!((id, name, value), (names::id(b"cookie"), "cookie", &b"x"[..]));
    assert_ne!(id, 0);
}

#[test]
fn too_long() {
    let value = [b'v'; 1100];
    assert_eq!(request(&GET, &[(b"a", &value)]), Err(HeadError::TooLong(1024)));
    let value = vec![b'v'; 70_000];
    assert_eq!(response(200, &[(b"a", &value)]), Err(HeadError::TooLong(1024)));
    // The target alone, without any field.
    let target = "/".repeat(1024);
    assert_eq!(request(&RequestHead { target: &target, ..GET }, &[]), Err(HeadError::TooLong(1024)));
    // The very last byte that fits.
    let fixed = request(&RequestHead { target: "/", ..GET }, &[]).unwrap().len() - 1;
    let target = "/".repeat(1024 - fixed);
    assert_eq!(request(&RequestHead { target: &target, ..GET }, &[]).unwrap().len(), 1024);
}

#[test]
fn too_many_fields() {
    assert_eq!(response(200, &[(&b"a"[..], &b""[..]); 4]), Err(HeadError::TooManyFields(3)));
    assert!(response(200, &[(&b"a"[..], &b""[..]); 3]).is_ok());
    // Refused by the count, before any field is looked at.
    assert_eq!(read_error(&raw(4, &[])), HeadError::TooManyFields(3));
    assert_eq!(read_error(&raw(u16::MAX, &[])), HeadError::TooManyFields(3));
    // Limits above what the count can say do not overflow it.
    let wide = Limits { max_fields: usize::MAX, max_head: usize::MAX, ..LIMITS };
    let many = std::iter::repeat_n((&b"host"[..], &b""[..]), 70_000);
    assert!(matches!(write_response(&mut Vec::new(), 200, many, &wide), Err(HeadError::TooManyFields(_))));
}

#[test]
fn every_cut_and_every_trailing_byte_is_a_wrong_length() {
    let whole = request(&GET, &[(b"host", b"x"), (b"x-own", b"y")]).unwrap();
    for cut in 0..whole.len() {
        assert_eq!(read_request(&whole[..cut], &LIMITS).unwrap_err(), HeadError::Length, "cut at {cut}");
    }
    let longer = [&whole[..], b"!"].concat();
    assert_eq!(read_request(&longer, &LIMITS).unwrap_err(), HeadError::Length);
}

#[test]
fn method() {
    let long = "A".repeat(33);
    for method in ["", "G T", "GET\r", "GÉT", "GE:T", long.as_str()] {
        assert_eq!(request(&RequestHead { method, ..GET }, &[]), Err(HeadError::Method), "{method:?}");
    }
    let mut bytes = request(&GET, &[]).unwrap();
    for wrong in [b' ', b'\n', 0, 0xff, b'"'] {
        bytes[13] = wrong;
        assert_eq!(read_request(&bytes, &LIMITS).unwrap_err(), HeadError::Method);
    }
    bytes[13] = b'g';
    assert_eq!(read_request(&bytes, &LIMITS).unwrap().method, "gET");
}

#[test]
fn target() {
    for target in ["", "/a b", "/a\r\nx", "/\0", "/\x7f"] {
        assert_eq!(request(&RequestHead { target, ..GET }, &[]), Err(HeadError::Target), "{target:?}");
    }
    let mut bytes = request(&GET, &[]).unwrap();
    let at = bytes.windows(4).position(|w| w == b"/a?b").unwrap();
    for wrong in [b' ', b'\r', b'\n', b'\t', 0, 0x7f, 0x80, 0xff] {
        bytes[at + 1] = wrong;
        assert_eq!(read_request(&bytes, &LIMITS).unwrap_err(), HeadError::Target, "{wrong}");
    }
}

#[test]
fn status() {
    for status in [0, 100, 101, 103, 199, 600, u16::MAX] {
        assert_eq!(response(status, &[]), Err(HeadError::Status(status)));
        let payload = [&status.to_le_bytes()[..], &[0, 0]].concat();
        assert_eq!(read_error(&payload), HeadError::Status(status));
    }
}

#[test]
fn name() {
    let long = [b'n'; 256];
    for name in [&b""[..], b"Host", b"a b", b"a:", b"a\r\n", b"\xff", "é".as_bytes(), &long] {
        assert_eq!(response(200, &[(name, b"")]), Err(HeadError::Name), "{name:?}");
        let Ok(len) = u8::try_from(name.len()) else {
            continue;
        };
        let payload = raw(1, &[&[0, len][..], name, &[0, 0]].concat());
        assert_eq!(read_error(&payload), HeadError::Name, "{name:?}");
    }
    for id in [73, 255] {
        assert_eq!(read_error(&raw(1, &[id, 0, 0])), HeadError::Name);
    }
}

#[test]
fn value() {
    for wrong in [b'\r', b'\n', 0, 1, 0x1f, 0x7f] {
        let value = [b'a', wrong, b'b'];
        assert_eq!(response(200, &[(b"host", &value)]), Err(HeadError::Value("host".into())));
        let payload = raw(1, &[&[names::id(b"host"), 3, 0][..], &value].concat());
        assert_eq!(read_error(&payload), HeadError::Value("host".into()));
    }
}
