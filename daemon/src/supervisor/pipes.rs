//! What a plugin writes to its standard output and error: read for as long as it lives, whatever it is.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;
use tokio::task::JoinHandle;

use super::logs::{LogBook, LogLevel, LogStream};
use super::rules::Quota;

/// Kept of each pipe: so many bytes a second, and at once.
const RATE: u64 = 256 * 1024;
const BURST: u64 = 1024 * 1024;

/// While it floods, this much is read and thrown away between two pauses: the plugin waits for its pipe, not the daemon.
const CHUNK: usize = 64 * 1024;
const PAUSE: Duration = Duration::from_millis(4);

/// A line is cut here.
const MAX_LINE: usize = 8 * 1024;

/// Reads a pipe until its writers are gone.
///
/// # Errors
/// When the pipe cannot be read at all.
pub(super) fn read(pipe: OwnedFd, stream: LogStream, book: LogBook) -> io::Result<JoinHandle<()>> {
    let mut pipe = Receiver::from_owned_fd(pipe)?;
    Ok(tokio::spawn(async move {
        let mut lines = Lines::new(stream, book);
        let mut buffer = vec![0; CHUNK];
        let started = Instant::now();
        while let Ok(n @ 1..) = pipe.read(&mut buffer).await {
            if !lines.feed(&buffer[..n], started.elapsed()) {
                tokio::time::sleep(PAUSE).await;
            }
        }
        lines.end();
    }))
}

/// Cuts bytes into lines.
struct Lines {
    stream: LogStream,
    book: LogBook,
    quota: Quota,
    partial: Vec<u8>,
    /// The rest of the line is not wanted.
    cut: bool,
    dropped: u64,
}

impl Lines {
    fn new(stream: LogStream, book: LogBook) -> Self {
        let quota = Quota::new(RATE, BURST, Duration::ZERO);
        Self { stream, book, quota, partial: Vec::new(), cut: false, dropped: 0 }
    }

    /// Returns false when it is too much: nothing of it was kept.
    fn feed(&mut self, bytes: &[u8], now: Duration) -> bool {
        if !self.quota.take(bytes.len() as u64, now) {
            self.dropped += bytes.len() as u64;
            return false;
        }
        self.tell_dropped();
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let whole = piece.last() == Some(&b'\n');
            let text = piece.strip_suffix(b"\n").unwrap_or(piece);
            let room = MAX_LINE.saturating_sub(self.partial.len());
            if !self.cut {
                self.partial.extend_from_slice(&text[..text.len().min(room)]);
            }
            if whole || text.len() > room {
                if !self.cut {
                    self.line();
                }
                self.cut = !whole;
            }
        }
        true
    }

    fn line(&mut self) {
        let text = self.partial.strip_suffix(b"\r").unwrap_or(&self.partial);
        self.book.push(self.stream, LogLevel::Info, "", &String::from_utf8_lossy(text));
        self.partial.clear();
    }

    fn tell_dropped(&mut self) {
        if self.dropped > 0 {
            let text = format!(
                "{} bytes of {} were dropped: a plugin may write {} KiB a second",
                self.dropped,
                self.stream.as_str(),
                RATE / 1024
            );
            self.book.push(LogStream::Valord, LogLevel::Warn, "", &text);
            self.dropped = 0;
        }
    }

    fn end(&mut self) {
        self.tell_dropped();
        if !self.partial.is_empty() {
            self.line();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn texts(book: &LogBook) -> Vec<String> {
        book.lines().iter().map(|line| line.message.clone()).collect()
    }

    #[test]
    fn lines_are_put_together_and_cut() {
        let book = LogBook::new(100, 1 << 20);
        let mut lines = Lines::new(LogStream::Stderr, book.clone());
        for piece in ["one\ntw", "o\r\n", "\u{1b}[31mred\n", "half"] {
            assert!(lines.feed(piece.as_bytes(), Duration::ZERO));
        }
        lines.end();
        assert_eq!(texts(&book), ["one", "two", "\\u{1b}[31mred", "half"]);

        let long = "x".repeat(3 * MAX_LINE) + "\nnext\n";
        assert!(lines.feed(long.as_bytes(), Duration::ZERO));
        assert_eq!(texts(&book)[4..], ["x".repeat(MAX_LINE), "next".to_owned()]);
        assert!(lines.feed(&[0xff, b'\n'], Duration::ZERO));
        assert_eq!(texts(&book)[6], "\u{fffd}");
    }

    #[test]
    fn a_flood_is_dropped_and_counted() {
        let book = LogBook::new(100, 1 << 20);
        let mut lines = Lines::new(LogStream::Stdout, book.clone());
        let block = vec![b'x'; CHUNK];
        let kept = (0..64).filter(|_| lines.feed(&block, Duration::ZERO)).count();
        assert_eq!(kept as u64, BURST / CHUNK as u64);
        assert!(lines.feed(b"\nafter\n", Duration::from_secs(10)));
        let texts = texts(&book);
        assert!(
            texts.iter().any(|text| text.starts_with("3145728 bytes of stdout were dropped")),
            "{texts:?}"
        );
        assert_eq!(texts.last().unwrap(), "after");
    }

    #[tokio::test]
    async fn a_pipe_is_read_to_its_end() {
        let (reader, mut writer) = io::pipe().unwrap();
        let book = LogBook::new(100, 1 << 20);
        let task = read(reader.into(), LogStream::Stdout, book.clone()).unwrap();
        writer.write_all(b"hello\nworld").unwrap();
        drop(writer);
        task.await.unwrap();
        assert_eq!(texts(&book), ["hello", "world"]);
    }
}
