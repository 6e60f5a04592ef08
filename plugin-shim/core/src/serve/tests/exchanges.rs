use super::super::{EVENT_CANCELLED, EVENT_READABLE};
use super::*;

#[test]
fn a_batch_of_requests_is_answered_by_one_pump() {
    let (worker, mut daemons, woken) = worker(1);
    let daemon = &mut daemons[0];
    let mut plugin = Plugin { answer: Some(|e, _| ok(&e, b"hello", true).unwrap()), ..Plugin::default() };
    let ids = [daemon.request("/a", true), daemon.request("/b", true), daemon.request("/c?d", true)];
    assert!(daemon.connection.ping(7));
    daemon.send();
    assert_eq!(worker.pump(0, &mut plugin), IDLE);
    let targets: Vec<_> = plugin
        .told()
        .into_iter()
        .map(|told| {
            let Told::Request { target, fields, end: true } = told else { panic!("{told:?}") };
            assert_eq!(fields, [("host".into(), "example.org".into()), ("x-odd".into(), "1".into())]);
            target
        })
        .collect();
    assert_eq!(targets, ["/a", "/b", "/c?d"]);
    assert_eq!(daemon.next(), Some(Seen::Pong(7)));
    for id in ids {
        let fields = vec![("content-type".into(), "text/plain".into())];
        assert_eq!(daemon.next(), Some(Seen::Response { id, status: 200, fields, end: false }));
        assert_eq!(daemon.next(), Some(Seen::Data { id, len: 5, end: true }));
    }
    assert_eq!(daemon.next(), None);
    assert_eq!(daemon.connection.open_streams(), 0);
    assert_eq!(woken.load(Ordering::SeqCst), 0, "a pump writes at its end, and wakes nobody");
    assert_eq!(worker.pump(0, &mut plugin), IDLE, "nothing to read is no error");
}

#[test]
fn a_body_is_read_in_parts_and_events_tell_of_them() {
    let (worker, mut daemons, _) = worker(1);
    let daemon = &mut daemons[0];
    let mut plugin = Plugin::default();
    let id = daemon.request("/", false);
    daemon.send();
    worker.pump(0, &mut plugin);
    let exchange = plugin.exchanges.pop().unwrap();
    assert_eq!(exchange.read(), Err(Refused::Pending));
    exchange.set_user(11).unwrap();
    daemon.body(id, b"one", false);
    daemon.body(id, b"two", false);
    daemon.send();
    plugin.told();
    worker.pump(0, &mut plugin);
    assert_eq!(plugin.told(), [Told::Event(11, EVENT_READABLE)], "two parts of one read are one event");
    assert_eq!(exchange.read(), Ok(Received::Data("one".into())));
    assert_eq!(exchange.read(), Ok(Received::Data("two".into())));
    assert_eq!(exchange.read(), Err(Refused::Pending));
    daemon.body(id, b"", true);
    daemon.send();
    worker.pump(0, &mut plugin);
    assert_eq!(plugin.told(), [Told::Event(11, EVENT_READABLE)]);
    assert_eq!(exchange.read(), Ok(Received::End));
    ok(&exchange, b"", true).unwrap();
    drop(exchange);
    worker.flush(&mut plugin);
    assert_eq!(plugin.told(), [Told::Release(11)]);
}

#[test]
fn what_is_due_before_there_is_a_user_is_told_afterwards() {
    let (worker, mut daemons, woken) = worker(1);
    let mut plugin = Plugin::default();
    let id = daemons[0].request("/", false);
    daemons[0].body(id, b"early", false);
    daemons[0].send();
    worker.pump(0, &mut plugin);
    plugin.told();
    let exchange = plugin.exchanges.pop().unwrap();
    exchange.set_user(5).unwrap();
    assert_eq!(woken.load(Ordering::SeqCst), 1);
    worker.flush(&mut plugin);
    assert_eq!(plugin.told(), [Told::Event(5, EVENT_READABLE)]);
    worker.flush(&mut plugin);
    assert_eq!(plugin.told(), [], "once");
    // Another user takes over.
    exchange.set_user(6).unwrap();
    worker.flush(&mut plugin);
    assert_eq!(plugin.told(), [Told::Release(5)]);
}

#[test]
fn a_reset_cancels_everything_and_is_the_last_event() {
    let (worker, mut daemons, _) = worker(1);
    let daemon = &mut daemons[0];
    let mut plugin = Plugin::default();
    let id = daemon.request("/", false);
    daemon.send();
    worker.pump(0, &mut plugin);
    plugin.told();
    let exchange = plugin.exchanges.pop().unwrap();
    exchange.set_user(3).unwrap();
    assert_eq!(exchange.failure(), None);
    daemon.body(id, b"never read", false);
    daemon.connection.reset(id, ResetCode::Deadline, "too late");
    daemon.send();
    worker.pump(0, &mut plugin);
    assert_eq!(plugin.told(), [Told::Event(3, EVENT_CANCELLED)]);
    assert_eq!(exchange.read(), Err(Refused::Cancelled));
    assert_eq!(ok(&exchange, b"x", true), Err(Refused::Cancelled));
    assert_eq!(exchange.write(&mut Some(&b"x"[..]), true), Err(Refused::Cancelled));
    assert_eq!(exchange.set_user(4), Err(Refused::Cancelled));
    assert_eq!(exchange.failure().unwrap(), "the deadline has passed: too late");
    drop(exchange);
    worker.flush(&mut plugin);
    assert_eq!(plugin.told(), [Told::Release(3)]);
    daemon.receive();
    assert_eq!(daemon.connection.open_streams(), 0);
}

#[test]
fn a_request_that_is_over_before_it_is_handed_on_is_never_heard_of() {
    let (worker, mut daemons, _) = worker(2);
    let mut plugin = Plugin { answer: Some(|e, _| ok(&e, b"hello", true).unwrap()), ..Plugin::default() };
    let daemon = &mut daemons[0];
    let (a, b, c) = (daemon.request("/a", true), daemon.request("/b", false), daemon.request("/c", true));
    daemon.body(b, b"never read", false);
    daemon.connection.reset(b, ResetCode::Cancel, "");
    daemon.send();
    assert_eq!(worker.pump(0, &mut plugin), IDLE);
    let targets = |told: Vec<Told>| -> Vec<String> {
        told.into_iter()
            .map(|told| match told {
                Told::Request { target, .. } => target,
                other => panic!("{other:?}"),
            })
            .collect()
    };
    assert_eq!(targets(plugin.told()), ["/a", "/c"]);
    for id in [a, c] {
        assert!(matches!(daemon.next(), Some(Seen::Response { id: answered, .. }) if answered == id));
        assert_eq!(daemon.next(), Some(Seen::Data { id, len: 5, end: true }));
    }
    assert_eq!((daemon.next(), daemon.connection.open_streams()), (None, 0));
    assert_eq!(worker.lock().unwrap().left(), 0);

    // Nor of those of a link that is closed for what came behind them.
    daemons[1].request("/d", true);
    daemons[1].send();
    daemons[1].socket.write_all(&[0xff; 64]).unwrap();
    assert!(worker.pump(1, &mut plugin).closed);
    let told = plugin.told();
    assert!(matches!(told[..], [Told::Violation(_)]), "{told:?}");
    assert_eq!(worker.lock().unwrap().left(), 0);
}

#[test]
fn a_slot_that_is_used_again_does_not_reach_the_old_exchange() {
    let (worker, mut daemons, _) = worker(1);
    let daemon = &mut daemons[0];
    let mut plugin = Plugin::default();
    let first = daemon.request("/1", true);
    daemon.send();
    worker.pump(0, &mut plugin);
    ok(&plugin.exchanges[0], b"done", true).unwrap();
    worker.flush(&mut plugin);
    daemon.receive();
    // Answered, not released; the slot is free on the wire.
    let second = daemon.request("/2", false);
    assert_eq!(first.slot(), second.slot());
    daemon.body(second, b"for the second", true);
    daemon.send();
    worker.pump(0, &mut plugin);
    assert_eq!(plugin.exchanges[0].read(), Ok(Received::End));
    assert_eq!(plugin.exchanges[1].read(), Ok(Received::Data("for the second".into())));
    plugin.exchanges.clear();
    worker.flush(&mut plugin);
    daemon.seen.clear();
    let reason = "dropped without an answer".to_owned();
    assert_eq!(daemon.next(), Some(Seen::Reset { id: second, code: ResetCode::NoAnswer, reason }));
    assert_eq!(daemon.next(), None);
}

#[test]
fn a_release_resets_what_was_left_unfinished() {
    let (worker, mut daemons, _) = worker(1);
    let daemon = &mut daemons[0];
    let mut plugin = Plugin::default();
    let ids = [daemon.request("/open", true), daemon.request("/stopped", false)];
    daemon.send();
    worker.pump(0, &mut plugin);
    ok(&plugin.exchanges[0], b"half", false).unwrap();
    ok(&plugin.exchanges[1], b"all", true).unwrap();
    plugin.exchanges.clear();
    worker.flush(&mut plugin);
    let seen: Vec<_> = std::iter::from_fn(|| daemon.next()).collect();
    let reason = "the response's body was not finished".to_owned();
    assert!(seen.contains(&Seen::Reset { id: ids[0], code: ResetCode::Failed, reason }));
    // The rest of the request's body is turned down; the answer stands.
    assert!(!seen.iter().any(|s| matches!(s, Seen::Reset { id, .. } if *id == ids[1])));
    assert!(seen.contains(&Seen::Stop { id: ids[1] }));
    worker.pump(0, &mut plugin);
    daemon.receive();
    assert_eq!(daemon.connection.open_streams(), 0);
}

#[test]
fn out_of_order_calls_do_nothing() {
    let (worker, mut daemons, _) = worker(1);
    let mut plugin = Plugin::default();
    let id = daemons[0].request("/", true);
    daemons[0].send();
    worker.pump(0, &mut plugin);
    let exchange = plugin.exchanges.pop().unwrap();
    let mut body = Some(&b"body"[..]);
    assert_eq!(exchange.write(&mut body, false), Err(Refused::Invalid), "a body before the head");
    assert_eq!(exchange.respond(99, [], &mut body, true), Err(Refused::Invalid));
    assert_eq!(exchange.respond(200, [(&b"Upper"[..], &b""[..])], &mut body, true), Err(Refused::Invalid));
    assert_eq!(exchange.respond(200, [(&b"x"[..], &b"a\r\nb"[..])], &mut body, true), Err(Refused::Invalid));
    assert!(body.is_some(), "still the caller's");
    assert!(matches!(exchange.response(), Err(Refused::Invalid)));
    ok(&exchange, b"", false).unwrap();
    assert_eq!(ok(&exchange, b"", false), Err(Refused::Invalid), "a second head");
    exchange.write(&mut None::<&[u8]>, true).unwrap();
    assert_eq!(exchange.write(&mut body, true), Err(Refused::Invalid), "after the end");
    worker.flush(&mut plugin);
    assert!(matches!(daemons[0].next(), Some(Seen::Response { end: false, .. })));
    assert_eq!(daemons[0].next(), Some(Seen::Data { id, len: 0, end: true }));
}

#[test]
fn a_reset_of_ours_needs_no_event() {
    let (worker, mut daemons, _) = worker(1);
    let mut plugin = Plugin::default();
    let id = daemons[0].request("/", false);
    daemons[0].send();
    worker.pump(0, &mut plugin);
    let exchange = plugin.exchanges.pop().unwrap();
    exchange.set_user(1).unwrap();
    exchange.reset(ResetCode::Failed, "panicked at 'x'");
    plugin.told();
    worker.flush(&mut plugin);
    assert_eq!(plugin.told(), []);
    assert_eq!(exchange.read(), Err(Refused::Cancelled));
    let reason = "panicked at 'x'".to_owned();
    assert_eq!(daemons[0].next(), Some(Seen::Reset { id, code: ResetCode::Failed, reason }));
}

#[test]
fn end_of_file_and_nonsense_cancel_what_is_on_that_socket_only() {
    for nonsense in [false, true] {
        let (worker, mut daemons, _) = worker(2);
        let mut plugin = Plugin::default();
        for daemon in &mut daemons {
            daemon.request("/", true);
            daemon.send();
        }
        worker.pump(0, &mut plugin);
        worker.pump(1, &mut plugin);
        plugin.exchanges[0].set_user(100).unwrap();
        plugin.exchanges[1].set_user(101).unwrap();
        plugin.told();
        if nonsense {
            daemons[0].socket.write_all(&[0xff; 32]).unwrap();
        } else {
            daemons[0].socket.shutdown(std::net::Shutdown::Both).unwrap();
        }
        assert!(worker.pump(0, &mut plugin).closed);
        let told = plugin.told();
        assert_eq!(told.last(), Some(&Told::Event(100, EVENT_CANCELLED)), "{told:?}");
        assert_eq!(told.iter().any(|t| matches!(t, Told::Violation(_))), nonsense);
        assert!(plugin.exchanges[0].failure().is_some());
        assert_eq!(plugin.exchanges[1].failure(), None);
        assert!(worker.pump(0, &mut plugin).closed, "and stays so");
        assert!(!worker.is_done());
        assert_eq!(ok(&plugin.exchanges[1], b"fine", true), Ok(()));
        worker.flush(&mut plugin);
        assert!(matches!(daemons[1].next(), Some(Seen::Response { .. })));
        daemons.clear();
        assert!(worker.pump(1, &mut plugin).closed);
        assert!(worker.is_done());
    }
}
