use super::super::{EVENT_CANCELLED, EVENT_READABLE, EVENT_RESPONSE, EVENT_WRITABLE};
use super::*;

fn head(target: &str) -> RequestHead<'_> {
    RequestHead { method: "POST", target, deadline_ms: 0, parent: None }
}

#[test]
fn a_fetch_names_its_parent_and_goes_where_it_came_from() {
    let (worker, mut daemons, _) = worker(2);
    let mut plugin = Plugin::default();
    let id = daemons[1].request("/", true);
    daemons[1].send();
    worker.pump(1, &mut plugin);
    let parent = plugin.exchanges.pop().unwrap();
    plugin.told();
    let fetch =
        worker.fetch(parent.parent(), &head("/other"), [], &mut Some(&b"question"[..]), true, 77).unwrap();
    worker.flush(&mut plugin);
    assert_eq!(daemons[0].next(), None);
    let Some(Seen::Request { id: fetched, method, target, parent: of, end: false }) = daemons[1].next()
    else {
        panic!("no request")
    };
    assert_eq!((method.as_str(), target.as_str(), of), ("POST", "/other", Some(id)));
    assert_eq!(daemons[1].next(), Some(Seen::Data { id: fetched, len: 8, end: true }));
    assert!(matches!(fetch.response(), Err(Refused::Pending)));

    let fields: [(&[u8], &[u8]); 2] = [(b"content-type", b"a/b"), (b"x-own", b"v")];
    daemons[1].connection.respond(fetched, 201, fields, false).unwrap();
    daemons[1].body(fetched, b"answer", true);
    daemons[1].send();
    worker.pump(1, &mut plugin);
    assert_eq!(plugin.told(), [Told::Event(77, EVENT_RESPONSE | EVENT_READABLE)]);
    let response = fetch.response().unwrap();
    assert_eq!((response.status, response.end), (201, false));
    assert_eq!(response.fields().collect::<Vec<_>>(), fields);
    assert_eq!(fetch.read(), Ok(Received::Data("answer".into())));
    assert_eq!(fetch.read(), Ok(Received::End));
    drop(fetch);
    worker.flush(&mut plugin);
    assert_eq!(plugin.told(), [Told::Release(77)]);
    assert_eq!(daemons[1].next(), None, "a fetch that is over is not reset");
}

#[test]
fn a_refused_fetch_says_why() {
    let (worker, mut daemons, _) = worker(1);
    let mut plugin = Plugin::default();
    let fetch = worker.fetch(None, &head("https://example.org/"), [], &mut None::<&[u8]>, true, 1).unwrap();
    worker.flush(&mut plugin);
    let Some(Seen::Request { id, end: true, .. }) = daemons[0].next() else { panic!("no request") };
    daemons[0].connection.reset(id, ResetCode::Refused, "no grant for example.org:443");
    daemons[0].send();
    worker.pump(0, &mut plugin);
    assert_eq!(plugin.told(), [Told::Event(1, EVENT_CANCELLED)]);
    assert!(matches!(fetch.response(), Err(Refused::Cancelled)));
    assert_eq!(fetch.failure().unwrap(), "refused: no grant for example.org:443");
}

#[test]
fn a_dropped_or_stopped_fetch_is_reset() {
    for stop in [false, true] {
        let (worker, mut daemons, _) = worker(1);
        let mut plugin = Plugin::default();
        let fetch = worker.fetch(None, &head("/x"), [], &mut None::<&[u8]>, true, 1).unwrap();
        if stop {
            fetch.stop();
            assert!(matches!(fetch.response(), Err(Refused::Cancelled)));
        } else {
            drop(fetch);
        }
        worker.flush(&mut plugin);
        assert!(matches!(daemons[0].next(), Some(Seen::Request { .. })));
        assert!(matches!(daemons[0].next(), Some(Seen::Reset { code: ResetCode::Cancel, .. })));
    }
}

#[test]
fn an_upload_that_nobody_wants_ends_quietly() {
    let (worker, mut daemons, _) = worker(1);
    let mut plugin = Plugin::default();
    let fetch = worker.fetch(None, &head("/x"), [], &mut None::<&[u8]>, false, 8).unwrap();
    while fetch.write(&mut Some(&[0; 50_000][..]), false).is_ok() {}
    worker.flush(&mut plugin);
    let Some(Seen::Request { id, .. }) = daemons[0].next() else { panic!("no request") };
    daemons[0].connection.stop(id);
    daemons[0].send();
    plugin.told();
    worker.pump(0, &mut plugin);
    let told = plugin.told();
    assert!(matches!(told[..], [Told::Event(8, events)] if events & EVENT_WRITABLE != 0), "{told:?}");
    assert_eq!(fetch.write(&mut Some(&b"into the void"[..]), true), Ok(()));
    daemons[0].connection.respond(id, 413, [], true).unwrap();
    daemons[0].send();
    worker.pump(0, &mut plugin);
    assert_eq!(fetch.response().unwrap().status, 413);
}

#[test]
fn an_invalid_head_and_a_closed_worker_take_nothing() {
    let (worker, daemons, _) = worker(1);
    let mut plugin = Plugin::default();
    let mut body = Some(&b"kept"[..]);
    let refused = worker.fetch(None, &head("no space"), [], &mut body, true, 1).unwrap_err();
    assert_eq!(refused, Refused::Invalid);
    assert!(body.is_some());
    drop(daemons);
    worker.pump(0, &mut plugin);
    assert_eq!(worker.fetch(None, &head("/x"), [], &mut body, true, 1).unwrap_err(), Refused::Cancelled);
}

#[test]
fn more_fetches_than_streams_are_refused() {
    let (worker, _daemons, _) = worker(1);
    let fetches: Vec<_> = (0..Limits::default().max_streams)
        .map(|_| worker.fetch(None, &head("/x"), [], &mut None::<&[u8]>, true, 1).unwrap())
        .collect();
    let refused = worker.fetch(None, &head("/x"), [], &mut None::<&[u8]>, true, 1).unwrap_err();
    assert_eq!(refused, Refused::Limit);
    drop(fetches);
}
