//! The control socket's messages, read from a peer that is not trusted.

use std::time::{Duration, Instant};

use valor_wire::control::{Decoder, FromShim, LogLevel, ToShim, encode};

use super::handshake::LAST_WORDS;
use super::logs::{LogBook, LogStream};
use super::rules::Quota;
use crate::sys::creds::ControlSocket;

/// Log messages: so many bytes a second, and at once.
const LOG_RATE: u64 = 256 * 1024;
const LOG_BURST: u64 = 1024 * 1024;

/// What a message costs besides its text.
const OVERHEAD: usize = 64;

/// The daemon's end of a control socket.
#[derive(Debug)]
pub(super) struct Channel {
    socket: ControlSocket,
    decoder: Decoder,
    buffer: Vec<u8>,
    book: LogBook,
    quota: Quota,
    opened: Instant,
    /// Who sent the last bytes.
    sender: Option<u32>,
}

/// Why no message comes.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The process is ending.
    #[error("it closed its control socket")]
    Closed,
    /// It did what it must not.
    #[error("it broke the protocol of the control socket: {0}")]
    Violation(String),
}

impl Channel {
    pub(super) fn new(socket: ControlSocket, book: LogBook) -> Self {
        let quota = Quota::new(LOG_RATE, LOG_BURST, Duration::ZERO);
        let opened = Instant::now();
        Self {
            socket,
            decoder: Decoder::default(),
            buffer: vec![0; 64 * 1024],
            book,
            quota,
            opened,
            sender: None,
        }
    }

    pub(super) async fn send(&self, message: &ToShim) -> Result<(), Broken> {
        let bytes = encode(message).map_err(|violation| Broken::Violation(violation.to_string()))?;
        self.socket.send_all(&bytes).await.map_err(|_| Broken::Closed)
    }

    /// The next message that is no log line, and the process that sent it. May be dropped at any time.
    pub(super) async fn receive(&mut self) -> Result<(FromShim, Option<u32>), Broken> {
        loop {
            match self.decoder.next().map_err(|violation| Broken::Violation(violation.to_string()))? {
                Some(FromShim::Log { level, target, message }) => self.log(level, &target, &message)?,
                Some(message) => return Ok((message, self.sender)),
                None => self.read().await?,
            }
        }
    }

    /// Reads what a process that has ended said at last: its end may be known before all of that was read.
    pub(super) async fn drain(mut self) {
        // Who lives on and holds the socket open is waited for no longer.
        let rest = async { while self.receive().await.is_ok() {} };
        let _left = tokio::time::timeout(LAST_WORDS, rest).await;
    }

    async fn read(&mut self) -> Result<(), Broken> {
        match self.socket.receive(&mut self.buffer).await {
            Ok((0, _)) => Err(Broken::Closed),
            Ok((n, sender)) => {
                self.sender = sender;
                self.decoder.feed(&self.buffer[..n]);
                Ok(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                Err(Broken::Violation(error.to_string()))
            }
            Err(_) => Err(Broken::Closed),
        }
    }

    fn log(&mut self, level: LogLevel, target: &str, message: &str) -> Result<(), Broken> {
        let cost = (target.len() + message.len() + OVERHEAD) as u64;
        if !self.quota.take(cost, self.opened.elapsed()) {
            return Err(Broken::Violation(format!(
                "more than {} KiB of log messages a second",
                LOG_RATE / 1024
            )));
        }
        self.book.push(LogStream::Log, level, target, message);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::net::UnixStream;

    use valor_wire::control::Hello;

    use super::*;

    fn pair() -> (Channel, UnixStream, LogBook) {
        let (socket, theirs) = ControlSocket::pair().unwrap();
        let book = LogBook::new(10, 1 << 20);
        (Channel::new(socket, book.clone()), theirs.into(), book)
    }

    fn log(text: &str) -> Vec<u8> {
        encode(&FromShim::Log { level: LogLevel::Warn, target: "t".into(), message: text.into() }).unwrap()
    }

    #[tokio::test]
    async fn messages_come_with_their_sender_and_log_lines_go_to_the_book() {
        let (mut channel, mut peer, book) = pair();
        peer.write_all(&log("one")).unwrap();
        peer.write_all(&encode(&FromShim::Hello(Hello::new("x"))).unwrap()).unwrap();
        let (message, sender) = channel.receive().await.unwrap();
        assert!(matches!(message, FromShim::Hello(_)));
        assert_eq!(sender, Some(std::process::id()));
        assert_eq!((book.lines()[0].message.as_str(), book.lines()[0].level), ("one", LogLevel::Warn));
        drop(peer);
        assert!(matches!(channel.receive().await, Err(Broken::Closed)));
    }

    #[tokio::test]
    async fn nonsense_and_floods_are_violations() {
        let (mut channel, mut peer, _) = pair();
        peer.write_all(&[0xff; 64]).unwrap();
        assert!(matches!(channel.receive().await, Err(Broken::Violation(_))));

        let (mut channel, mut peer, _) = pair();
        let writer = std::thread::spawn(move || {
            let line = log(&"x".repeat(16 * 1024));
            while peer.write_all(&line).is_ok() {}
        });
        let broken = channel.receive().await.unwrap_err();
        assert!(broken.to_string().contains("256 KiB of log messages"), "{broken}");
        drop(channel);
        writer.join().unwrap();
    }
}
