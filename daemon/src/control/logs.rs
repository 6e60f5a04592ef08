//! `logs`: what is kept, and what comes.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, stream};
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use valor_control::v1::{self, LogsRequest};

use super::convert;
use crate::store::now_ms;
use crate::supervisor::{LogBook, LogLine};

/// Lines as they go out.
pub(super) type Lines = Pin<Box<dyn Stream<Item = Result<v1::LogLine, Status>> + Send>>;

/// The lines that were asked for; following ends with the plugin, or with `stop`.
pub(super) fn read(book: &LogBook, request: &LogsRequest, stop: CancellationToken) -> Lines {
    let (kept, coming) = if request.follow {
        let (kept, coming) = book.follow();
        (kept, Some(coming))
    } else {
        (book.lines(), None)
    };
    let kept = stream::iter(select(kept, request)).map(|line| Ok(convert::log_line(&line)));
    let Some(coming) = coming else {
        return Box::pin(kept);
    };
    let since = request.since_ms;
    let coming = BroadcastStream::new(coming).filter_map(move |line| {
        std::future::ready(match line {
            Ok(line) if line.time_ms < since => None,
            Ok(line) => Some(Ok(convert::log_line(&line))),
            Err(BroadcastStreamRecvError::Lagged(lines)) => Some(Ok(gap(lines))),
        })
    });
    Box::pin(kept.chain(coming).take_until(stop.cancelled_owned()))
}

fn select(mut lines: Vec<Arc<LogLine>>, request: &LogsRequest) -> Vec<Arc<LogLine>> {
    lines.retain(|line| line.time_ms >= request.since_ms);
    let tail = request.tail.map_or(usize::MAX, |tail| usize::try_from(tail).unwrap_or(usize::MAX));
    lines.drain(..lines.len().saturating_sub(tail));
    lines
}

/// A reader that is too slow is told what it has missed.
fn gap(lines: u64) -> v1::LogLine {
    v1::LogLine {
        time_ms: now_ms(),
        stream: "valord".to_owned(),
        level: "warn".to_owned(),
        target: String::new(),
        message: format!("{lines} lines are left out: they came faster than they were read"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::LogStream;
    use crate::supervisor::logs::LogLevel;

    fn book(lines: &[&str]) -> LogBook {
        let book = LogBook::new(100, 1 << 20);
        lines.iter().for_each(|line| book.push(LogStream::Stdout, LogLevel::Info, "", line));
        book
    }

    async fn texts(lines: Lines) -> Vec<String> {
        lines.map(|line| line.unwrap().message).collect().await
    }

    #[tokio::test]
    async fn tail_and_since_choose() {
        let book = book(&["a", "b", "c"]);
        let ask = |tail, since_ms| {
            let request = LogsRequest { name: String::new(), tail, since_ms, follow: false };
            texts(read(&book, &request, CancellationToken::new()))
        };
        assert_eq!(ask(None, 0).await, ["a", "b", "c"]);
        assert_eq!(ask(Some(2), 0).await, ["b", "c"]);
        assert_eq!(ask(Some(0), 0).await, [""; 0]);
        assert_eq!(ask(Some(9), 0).await, ["a", "b", "c"]);
        assert_eq!(ask(None, u64::MAX).await, [""; 0]);
    }

    #[tokio::test]
    async fn a_follower_gets_what_comes_until_the_end() {
        let book = book(&["a", "b"]);
        let request = LogsRequest { tail: Some(1), follow: true, ..LogsRequest::default() };
        let stop = CancellationToken::new();
        let mut lines = read(&book, &request, stop.clone());
        assert_eq!(lines.next().await.unwrap().unwrap().message, "b");
        book.push(LogStream::Stderr, LogLevel::Info, "", "c");
        let line = lines.next().await.unwrap().unwrap();
        assert_eq!((line.message.as_str(), line.stream.as_str()), ("c", "stderr"));
        stop.cancel();
        assert!(lines.next().await.is_none());
    }

    #[tokio::test]
    async fn a_slow_reader_is_told_what_it_missed() {
        let book = book(&[]);
        let request = LogsRequest { follow: true, ..LogsRequest::default() };
        let mut lines = read(&book, &request, CancellationToken::new());
        (0..1000).for_each(|n| book.push(LogStream::Stdout, LogLevel::Info, "", &n.to_string()));
        let first = lines.next().await.unwrap().unwrap();
        assert!(first.message.contains("lines are left out"), "{}", first.message);
        assert!(lines.next().await.unwrap().unwrap().message.parse::<u32>().is_ok());
    }
}
