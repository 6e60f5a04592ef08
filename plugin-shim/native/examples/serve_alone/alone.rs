//! An engine with a plugin in this process, without a sandbox, asked so many times one after the other: valgrind follows neither into
//! a sandbox nor past a second seccomp filter. The threads, in their order: the client, the engine's control loop, its worker.

use std::io::{IoSlice, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use valor_shim_core::control::{Control, Listener, Reporter};
use valor_shim_core::program::{Files, Plan};
use valor_wire::control::{Decoder, FromShim};
use valor_wire::{Connection, Event, Field, Limits, RequestHead, Role};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

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

/// An engine's `serve`.
pub(crate) type Serve = fn(Plan, &mut Listener, &Reporter) -> ExitCode;

/// Runs `PROGRAM PLUGIN N`.
pub(crate) fn run(serve: Serve) -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(plugin), Some(count)) = (args.next(), args.next()) else {
        return Err("takes a plugin and a number of requests".into());
    };
    let artifact = std::path::PathBuf::from(plugin).canonicalize()?;
    let count: usize = count.parse()?;
    let (mut control, theirs) = UnixStream::pair()?;
    let (mut data, socket) = UnixStream::pair()?;
    socket.set_nonblocking(true)?;
    let engine = std::thread::spawn(move || {
        let plan = Plan {
            artifact,
            name: "hello".into(),
            config: "null".into(),
            workers: 1,
            memory: 1 << 30,
            background: true,
            files: Files::default(),
            engine: None,
            sockets: vec![OwnedFd::from(socket)],
            seal: Box::new(|| Ok(())),
        };
        let (mut listener, reporter) = Control::new(theirs.into()).split().map_err(|e| e.to_string())?;
        Ok::<_, String>(serve(plan, &mut listener, &reporter))
    });
    ready(&mut control)?;
    let mut connection = Connection::new(Role::Daemon, Limits::default());
    for _ in 0..count {
        let head = RequestHead { method: "GET", target: "/", deadline_ms: 30_000, parent: None };
        connection.open(&head, FIELDS, true)?;
        write(&mut connection, &mut data)?;
        while !answered(&mut connection)? {
            read(&mut connection, &mut data)?;
        }
    }
    drop(data);
    engine.join().map_err(|_| "the engine has panicked")??;
    Ok(())
}

/// Waits until the plugin is created.
fn ready(control: &mut UnixStream) -> Result<()> {
    let mut decoder = Decoder::default();
    loop {
        match decoder.next()? {
            Some(FromShim::Ready { .. }) => return Ok(()),
            Some(other) => return Err(format!("{other:?}").into()),
            None => {
                let mut buffer = [0; 4096];
                let n = control.read(&mut buffer)?;
                decoder.feed(&buffer[..n]);
            }
        }
    }
}

/// Whether the whole answer is there.
fn answered(connection: &mut Connection) -> Result<bool> {
    while let Some(event) = connection.next_event()? {
        match event {
            Event::Response { head, .. } if head.status == 200 => {}
            Event::Data { data, end: true, .. } if &*data == b"OK response from a plugin" => return Ok(true),
            other => return Err(format!("{other:?}").into()),
        }
    }
    Ok(false)
}

fn read(connection: &mut Connection, data: &mut UnixStream) -> Result<()> {
    let space = connection.space(4096);
    let at = space.len();
    space.resize(at + 4096, 0);
    let n = data.read(&mut space[at..])?;
    space.truncate(at + n);
    if n == 0 { Err("the engine has closed its socket".into()) } else { Ok(()) }
}

fn write(connection: &mut Connection, data: &mut UnixStream) -> Result<()> {
    while !connection.outbox().is_empty() {
        let mut slices = [IoSlice::new(&[]); 4];
        let filled = connection.outbox().slices(&mut slices);
        let n = data.write_vectored(&slices[..filled])?;
        connection.written(n);
    }
    Ok(())
}
