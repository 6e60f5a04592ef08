use alloc::vec;
use alloc::vec::Vec;

use super::*;

fn read(batch: &[u8]) -> Result<Vec<(u32, Message<'_>)>, Malformed> {
    frames(batch).map(|frame| frame.and_then(|f| Message::read(&f).map(|m| (f.id, m)))).collect()
}

fn header(len: u32, kind: u8, flags: u8, id: u32) -> Vec<u8> {
    let mut out = len.to_le_bytes().to_vec();
    out.extend_from_slice(&[kind, flags, 0, 0]);
    out.extend_from_slice(&id.to_le_bytes());
    out
}

#[test]
fn what_is_written_is_read() {
    let fields = [("host", &b"example.org"[..]), ("x-bytes", &b"\xFF\x80"[..]), ("x-empty", b"")];
    let mut batch = Writer::default();
    batch.create("notes", b"{}").unwrap();
    batch.created(None);
    batch.created(Some("no such table"));
    batch.request(7, 1500, ("GET", "/a?b"), fields, true).unwrap();
    batch.fetch(FETCHES, 7, ("POST", "https://example.org/"), [], false).unwrap();
    batch.response(7, 200, fields, false).unwrap();
    batch.data(7, b"part", false).unwrap();
    batch.data(7, b"", true).unwrap();
    batch.reset(FETCHES, reset::DEADLINE, "late");
    batch.window(9, 5);
    batch.wake_after(10);
    batch.wake();
    batch.log(4, "notes::store", "broken");
    let all = read(&batch.0).unwrap();
    let ids: Vec<_> = all.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [0, 0, 0, 7, FETCHES, 7, 7, 7, FETCHES, 9, 0, 0, 0]);
    let messages: Vec<_> = all.into_iter().map(|(_, message)| message).collect();
    assert_eq!(messages[0], Message::Create { name: "notes", config: b"{}" });
    assert_eq!(messages[1], Message::Created { failure: None });
    assert_eq!(messages[2], Message::Created { failure: Some("no such table") });
    let Message::Request { deadline_ms: 1500, method: "GET", target: "/a?b", fields: read, end: true } =
        messages[3]
    else {
        panic!("{:?}", messages[3])
    };
    assert_eq!(read.iter().collect::<Vec<_>>(), fields);
    let Message::Fetch { parent: 7, method: "POST", target: "https://example.org/", fields, end: false } =
        messages[4]
    else {
        panic!("{:?}", messages[4])
    };
    assert!(fields.is_empty());
    assert!(matches!(messages[5], Message::Response { status: 200, end: false, .. }));
    assert_eq!(messages[6], Message::Data { part: b"part", end: false });
    assert_eq!(messages[7], Message::Data { part: b"", end: true });
    assert_eq!(messages[8], Message::Reset { code: reset::DEADLINE, reason: "late" });
    assert_eq!(messages[9], Message::Window { credit: 5 });
    assert_eq!(messages[10], Message::Wake { after_ns: Some(10) });
    assert_eq!(messages[11], Message::Wake { after_ns: None });
    assert_eq!(messages[12], Message::Log { level: 4, target: "notes::store", message: "broken" });
}

#[test]
fn the_layout_is_the_one_that_is_drawn() {
    let mut batch = Writer::default();
    batch.response(0x0102_0304, 404, [("a", &b"bc"[..])], true).unwrap();
    let payload = [0x94, 1, 1, 0, 1, b'a', 2, 0, b'b', b'c'];
    assert_eq!(batch.0, [&[10, 0, 0, 0, 4, 1, 0, 0, 4, 3, 2, 1][..], &payload].concat());
}

#[test]
fn what_is_malformed_is_refused() {
    let with = |mut header: Vec<u8>, payload: &[u8]| {
        header.extend_from_slice(payload);
        header
    };
    for (batch, what) in [
        (vec![1, 2, 3], "cut off"),
        (header(1, 5, 0, 1), "longer than its batch"),
        (header(u32::MAX, 5, 0, 1), "longer than its batch"),
        (header(0, 0, 0, 1), "unknown kind"),
        (header(0, 11, 0, 1), "unknown kind"),
        (header(0, 5, 2, 1), "unknown flags"),
        (header(0, 6, 1, 1), "unknown flags"),
        (vec![0, 0, 0, 0, 5, 0, 1, 0, 1, 0, 0, 0], "unknown flags"),
        (header(0, 5, 0, 0), "an id"),
        (header(0, 9, 0, 1), "an id"),
        (with(header(5, 7, 0, 1), &[1; 5]), "longer than its kind"),
        (with(header(4, 7, 0, 1), &[0; 4]), "out of bounds"),
        (with(header(4, 7, 0, 1), &[0xFF; 4]), "out of bounds"),
        (with(header(4, 4, 0, 1), &[100, 0, 0, 0]), "status"),
        (with(header(4, 4, 0, 1), &[200, 0, 200, 0]), "too many fields"),
        (with(header(4, 4, 0, 1), &[200, 0, 1, 0]), "payload is cut off"),
        (with(header(5, 4, 0, 1), &[200, 0, 0, 0, 0]), "too long"),
        (with(header(1, 2, 0, 0), b"x"), "too long"),
        (with(header(3, 10, 0, 0), &[5, 0, b'x']), "level"),
        (with(header(3, 10, 0, 0), &[4, 0, 0xFF]), "UTF-8"),
    ] {
        let error = read(&batch).unwrap_err();
        assert!(error.0.contains(what), "{batch:?}: {error}");
    }
    let long = vec![0; MAX_DATA + 1];
    let mut writer = Writer::default();
    assert!(writer.data(1, &long, false).is_err() && writer.0.is_empty());
    assert!(writer.response(1, 99, [], true).is_err() && writer.0.is_empty());
    let many = core::iter::repeat_n(("a", &b"b"[..]), MAX_FIELDS + 1);
    assert!(writer.response(1, 200, many, true).is_err() && writer.0.is_empty());
    let value = vec![b'a'; MAX_HEAD / 2];
    assert!(
        writer.response(1, 200, [("a", &value[..]), ("b", &value)], true).is_err() && writer.0.is_empty()
    );
    let wide = with(header(u32::try_from(long.len()).unwrap(), 5, 0, 1), &long);
    assert!(read(&wide).is_err());
}

#[test]
fn later_kinds_are_skipped_and_what_is_too_long_is_cut() {
    let mut batch = header(1, SKIP, 0xFF, 3);
    batch.push(0);
    let mut writer = Writer(batch);
    writer.log(9, &"t".repeat(300), &"\u{e4}".repeat(MAX_LOG));
    let all = read(&writer.0).unwrap();
    let [(0, Message::Log { level: 4, target, message })] = all[..] else { panic!("{all:?}") };
    assert_eq!((target.len(), message.len()), (255, MAX_LOG));
}

#[test]
fn nonsense_never_panics() {
    let mut seed = 1_u32;
    for len in 0..2000 {
        let bytes: Vec<u8> = (0..len % 64)
            .map(|i| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // Often small, so that lengths and kinds are often valid.
                let byte = (seed >> 24) as u8;
                if i % 3 == 0 { byte } else { byte % 12 }
            })
            .collect();
        let mut batch =
            header(u32::try_from(bytes.len()).unwrap(), u8::try_from((seed >> 8) % 12).unwrap(), 0, seed % 2);
        batch.extend_from_slice(&bytes);
        let _read = read(&batch);
        let _read = read(&bytes);
    }
}
