//! The daemon's side of an engine that runs on a thread of this process. The crate that includes this has the engine as `serve` and
//! makes files for it with `artifact`.

#![allow(dead_code, reason = "each engine's tests use their part of it")]

mod link;

use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::thread::JoinHandle;

use valor_shim_core::control::Control;
use valor_shim_core::program::{Files, Plan};
use valor_wire::control::{Decoder, FromShim, LogLevel, Step};

pub(crate) use link::{Answer, Link, Seen};

use crate::{artifact, serve};

const MEMORY: u64 = 96 << 20;

/// A running engine.
pub(crate) struct Engine {
    control: UnixStream,
    decoder: Decoder,
    pub(crate) link: Link,
    logs: Vec<(LogLevel, String)>,
    thread: Option<JoinHandle<ExitCode>>,
    _dir: tempfile::TempDir,
}

impl Engine {
    /// Starts a module up to the word of what became of it.
    fn start(source: &str, config: &str, memory: u64) -> (Self, FromShim) {
        let mut engine = Self::spawn(source, config, memory);
        let word = engine.hear();
        (engine, word)
    }

    fn spawn(source: &str, config: &str, memory: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("plugin");
        std::fs::write(&file, artifact(source)).unwrap();
        let ((control, theirs), (data, socket)) = (link::pair(), link::pair());
        socket.set_nonblocking(true).unwrap();
        let config = config.to_owned();
        let thread = std::thread::spawn(move || {
            let plan = Plan {
                artifact: file,
                name: "test".into(),
                config,
                workers: 1,
                memory,
                background: true,
                files: Files::default(),
                engine: None,
                sockets: vec![OwnedFd::from(socket)],
                seal: Box::new(|| Ok(())),
            };
            let (mut listener, reporter) = Control::new(theirs.into()).split().unwrap();
            serve(plan, &mut listener, &reporter)
        });
        let (decoder, link, logs) = (Decoder::default(), Link::new(data), Vec::new());
        Self { control, decoder, link, logs, thread: Some(thread), _dir: dir }
    }

    /// A module that is being created.
    pub(crate) fn begin(source: &str) -> Self {
        Self::spawn(source, "null", MEMORY)
    }

    /// Waits until a module that was begun is ready.
    pub(crate) fn is_ready(&mut self) {
        match self.hear() {
            FromShim::Ready { .. } => {}
            other => panic!("{other:?}"),
        }
    }

    /// A module that is ready.
    pub(crate) fn ready(source: &str) -> Self {
        Self::with(source, "null", MEMORY)
    }

    /// A module that is ready, with a configuration and so much memory.
    pub(crate) fn with(source: &str, config: &str, memory: u64) -> Self {
        match Self::start(source, config, memory) {
            (engine, FromShim::Ready { .. }) => engine,
            (_, other) => panic!("{other:?}"),
        }
    }

    /// A module whose start fails, and how.
    pub(crate) fn refused(source: &str) -> (Step, String) {
        match Self::start(source, "null", MEMORY) {
            (mut engine, FromShim::Failed { step, message }) => {
                assert_eq!(engine.thread.take().unwrap().join().unwrap(), ExitCode::FAILURE);
                (step, message)
            }
            (_, other) => panic!("{other:?}"),
        }
    }

    /// The next message that is no log line.
    fn hear(&mut self) -> FromShim {
        loop {
            match self.next() {
                FromShim::Log { level, message, .. } => self.logs.push((level, message)),
                other => return other,
            }
        }
    }

    fn next(&mut self) -> FromShim {
        loop {
            if let Some(message) = self.decoder.next().unwrap() {
                return message;
            }
            let mut buffer = [0; 64 * 1024];
            let n = self.control.read(&mut buffer);
            let n = n
                .unwrap_or_else(|error| panic!("the engine says nothing more than {:?}: {error}", self.logs));
            assert_ne!(n, 0, "the engine has hung up");
            self.decoder.feed(&buffer[..n]);
        }
    }

    /// The next log line that contains `part`.
    pub(crate) fn log(&mut self, part: &str) -> (LogLevel, String) {
        loop {
            if let Some(at) = self.logs.iter().position(|(_, text)| text.contains(part)) {
                return self.logs.remove(at);
            }
            match self.next() {
                FromShim::Log { level, message, .. } => self.logs.push((level, message)),
                other => panic!("{other:?} while waiting for {part:?}, after {:?}", self.logs),
            }
        }
    }

    /// GETs a path.
    pub(crate) fn get(&mut self, target: &str) -> Answer {
        let id = self.link.open("GET", target, &[], 0, true);
        self.link.answer(id)
    }

    /// POSTs a body.
    pub(crate) fn post(&mut self, target: &str, fields: &[(&str, &str)], body: &[u8]) -> Answer {
        let id = self.link.open("POST", target, fields, 0, false);
        self.link.send(id, body, true);
        self.link.answer(id)
    }

    /// Closes the data socket, after which all is done.
    pub(crate) fn finish(mut self) {
        drop(self.link.socket.shutdown(std::net::Shutdown::Both));
        assert_eq!(self.thread.take().unwrap().join().unwrap(), ExitCode::SUCCESS);
    }
}
