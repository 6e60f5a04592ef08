//! `codec_alone N`: N requests and their answers through both ends of the codec, for `daemon/benches/guard.py`.

use std::io::IoSlice;

use valor_wire::{Connection, Event, Field, Limits, RequestHead, Role, StreamId};

/// What valord sends of a request with six fields.
const FIELDS: [Field<'static>; 10] = [
    (b"accept", b"*/*"),
    (b"accept-encoding", b"gzip"),
    (b"accept-language", b"en"),
    (b"user-agent", b"bench"),
    (b"host", b"127.0.0.1:8091"),
    (b"x-forwarded-for", b"127.0.0.1"),
    (b"x-forwarded-host", b"127.0.0.1:8091"),
    (b"x-forwarded-proto", b"http"),
    (b"x-forwarded-prefix", b"/hello"),
    (b"x-request-id", b"0123456789abcdef"),
];
const ANSWER: [Field<'static>; 1] = [(b"content-type", b"text/plain; charset=utf-8")];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: usize = std::env::args().nth(1).ok_or("usage: codec_alone N")?.parse()?;
    let mut daemon = Connection::new(Role::Daemon, Limits::default());
    let mut shim = Connection::new(Role::Shim, Limits::default());
    let (mut seen, mut fields) = (0, 0);
    for _ in 0..count {
        let head = RequestHead { method: "GET", target: "/", deadline_ms: 30_000, parent: None };
        daemon.open(&head, FIELDS, true)?;
        carry(&mut daemon, &mut shim);
        let mut asked: Option<StreamId> = None;
        while let Some(event) = shim.next_event()? {
            if let Event::Request { id, head, .. } = event {
                fields += head
                    .fields
                    .iter()
                    .filter(|(_, name, value)| !name.is_empty() && !value.is_empty())
                    .count();
                asked = Some(id);
            }
        }
        let id = asked.ok_or("no request has arrived")?;
        shim.respond(id, 200, ANSWER, false)?;
        shim.send_slice(id, b"OK response from a plugin", true)?;
        carry(&mut shim, &mut daemon);
        while let Some(event) = daemon.next_event()? {
            match event {
                Event::Response { head, .. } => fields += head.fields.iter().count(),
                Event::Data { end: true, .. } => seen += 1,
                other => return Err(format!("{other:?}").into()),
            }
        }
    }
    if (seen, fields) != (count, 11 * count) {
        return Err(format!("{seen} answers and {fields} fields of {count} requests").into());
    }
    Ok(())
}

/// What the socket does.
fn carry(from: &mut Connection, to: &mut Connection) {
    let mut slices = [IoSlice::new(&[]); 4];
    let filled = from.outbox().slices(&mut slices);
    let space = to.space(64 * 1024);
    slices[..filled].iter().for_each(|slice| space.extend_from_slice(slice));
    let queued = from.outbox().len();
    from.written(queued);
}
