//! `events`: what is kept, and what comes.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, stream};
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use valor_control::v1::{self, EventsRequest};

use crate::store::now_ms;
use crate::supervisor::events::{Cause, Event, EventBook};

/// Events as they go out.
pub(super) type Events = Pin<Box<dyn Stream<Item = Result<v1::Event, Status>> + Send>>;

/// The events that were asked for; following ends with `stop`.
pub(super) fn read(book: &EventBook, request: EventsRequest, stop: CancellationToken) -> Events {
    let (mut kept, coming) = if request.follow {
        let (kept, coming) = book.follow();
        (kept, Some(coming))
    } else {
        (book.events(), None)
    };
    kept.retain(|event| is_wanted(event, &request));
    let tail = request.tail.map_or(usize::MAX, |tail| usize::try_from(tail).unwrap_or(usize::MAX));
    kept.drain(..kept.len().saturating_sub(tail));
    let kept = stream::iter(kept).map(|event| Ok(message(&event)));
    let Some(coming) = coming else {
        return Box::pin(kept);
    };
    let coming = BroadcastStream::new(coming).filter_map(move |event| {
        std::future::ready(match event {
            Ok(event) => is_wanted(&event, &request).then(|| Ok(message(&event))),
            // A reader that is too slow is told what it has missed.
            Err(BroadcastStreamRecvError::Lagged(missed)) => {
                Some(Ok(v1::Event { time_ms: now_ms(), missed, ..v1::Event::default() }))
            }
        })
    });
    Box::pin(kept.chain(coming).take_until(stop.cancelled_owned()))
}

fn is_wanted(event: &Event, request: &EventsRequest) -> bool {
    event.time_ms >= request.since_ms && (request.names.is_empty() || request.names.contains(&event.plugin))
}

fn message(event: &Arc<Event>) -> v1::Event {
    let process = event.process;
    let why = &event.why;
    v1::Event {
        time_ms: event.time_ms,
        serial: event.serial,
        plugin: event.plugin.clone(),
        instance: process.map(|process| process.index.into()),
        generation: process.map_or(0, |process| process.generation.0),
        pid: process.map_or(0, |process| process.pid),
        state: event.state.to_owned(),
        cause: why.cause.as_str().to_owned(),
        exit_code: if let Cause::Exit(code) = why.cause { Some(code) } else { None },
        signal: if let Cause::Signal(number) = why.cause { Some(number) } else { None },
        detail: why.detail.clone(),
        by: why.by.map(|by| v1::Caller { uid: by.uid, pid: by.pid }),
        missed: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::Generation;
    use crate::supervisor::events::{Caller, Process, Why};

    fn push(book: &EventBook, plugin: &str, cause: Cause) {
        let process = Process { index: 1, generation: Generation(7), pid: 42 };
        let why = Why { cause, detail: "why".into(), by: Some(Caller { uid: 5, pid: 6 }) };
        book.push(plugin, Some(process), "backoff", &why);
    }

    async fn serials(events: Events) -> Vec<u64> {
        events.map(|event| event.unwrap().serial).collect().await
    }

    #[tokio::test]
    async fn names_tail_and_since_choose() {
        let book = EventBook::default();
        for plugin in ["a", "b", "a"] {
            push(&book, plugin, Cause::Hung);
        }
        let ask = |names: &[&str], tail, since_ms| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            let request = EventsRequest { names, tail, since_ms, follow: false };
            serials(read(&book, request, CancellationToken::new()))
        };
        assert_eq!(ask(&[], None, 0).await, [1, 2, 3]);
        assert_eq!(ask(&["a"], None, 0).await, [1, 3]);
        assert_eq!(ask(&["a", "b"], Some(2), 0).await, [2, 3]);
        assert_eq!(ask(&["a"], Some(1), 0).await, [3], "the tail of what was asked for");
        assert_eq!(ask(&[], Some(0), 0).await, [0; 0]);
        assert_eq!(ask(&[], None, u64::MAX).await, [0; 0]);
    }

    #[tokio::test]
    async fn a_follower_gets_what_comes_until_the_end() {
        let book = EventBook::default();
        push(&book, "a", Cause::Exit(3));
        let request = EventsRequest { tail: Some(0), follow: true, ..EventsRequest::default() };
        let stop = CancellationToken::new();
        let mut events = read(&book, request, stop.clone());
        push(&book, "a", Cause::Signal(11));
        let event = events.next().await.unwrap().unwrap();
        assert_eq!((event.cause.as_str(), event.signal, event.exit_code), ("signal", Some(11), None));
        assert_eq!((event.instance, event.generation, event.pid), (Some(1), 7, 42));
        assert_eq!(event.by, Some(v1::Caller { uid: 5, pid: 6 }));
        stop.cancel();
        assert!(events.next().await.is_none());
    }

    #[tokio::test]
    async fn a_slow_reader_loses_the_oldest_and_is_told_how_many() {
        let book = EventBook::default();
        let request = EventsRequest { follow: true, ..EventsRequest::default() };
        let mut events = read(&book, request, CancellationToken::new());
        (0..1000).for_each(|_| push(&book, "a", Cause::Violation));
        let gap = events.next().await.unwrap().unwrap();
        let next = events.next().await.unwrap().unwrap();
        assert!(gap.missed > 0 && gap.plugin.is_empty());
        assert_eq!((next.serial, next.missed), (gap.missed + 1, 0), "exactly what was lost is told");
    }
}
