use super::super::{EVENT_CANCELLED, EVENT_WRITABLE};
use super::*;

/// Pumps and reads until the stream has ended; returns how many bytes came.
fn transfer(worker: &Arc<Worker>, daemon: &mut Daemon, plugin: &mut Plugin, id: StreamId) -> usize {
    let mut total = 0;
    for _ in 0..10_000 {
        worker.pump(0, plugin);
        daemon.receive();
        while let Some(seen) = daemon.seen.pop_front() {
            match seen {
                Seen::Data { id: of, len, end } if of == id => {
                    total += len;
                    if end {
                        return total;
                    }
                }
                Seen::Response { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
    panic!("the body has not ended after {total} bytes")
}

#[test]
fn a_large_answer_is_kept_and_outlives_its_release() {
    let (worker, mut daemons, _) = worker(1);
    let daemon = &mut daemons[0];
    let mut plugin = Plugin::default();
    let id = daemon.request("/", true);
    daemon.send();
    worker.pump(0, &mut plugin);
    let exchange = plugin.exchanges.pop().unwrap();
    let big = 9 * 1024 * 1024 + 1;
    exchange.respond(200, [], &mut Some(bytes::Bytes::from(vec![1; big])), true).unwrap();
    drop(exchange);
    assert_eq!(transfer(&worker, daemon, &mut plugin, id), big);
    assert_eq!(daemon.connection.open_streams(), 0);
}

#[test]
fn writes_stop_at_the_window_and_go_on_after_an_event() {
    let (worker, mut daemons, _) = worker(1);
    let daemon = &mut daemons[0];
    let mut plugin = Plugin::default();
    let id = daemon.request("/", true);
    daemon.send();
    worker.pump(0, &mut plugin);
    let exchange = plugin.exchanges.pop().unwrap();
    exchange.set_user(1).unwrap();
    ok(&exchange, b"", false).unwrap();
    let mut accepted = 0;
    let chunk = vec![2; 40_000];
    loop {
        let mut body = Some(&chunk[..]);
        match exchange.write(&mut body, false) {
            Ok(()) => accepted += chunk.len(),
            Err(Refused::Pending) => break,
            Err(other) => panic!("{other:?}"),
        }
    }
    let window = Limits::default().initial_window as usize;
    assert!((window..window + chunk.len()).contains(&accepted), "{accepted}");
    plugin.told();
    worker.flush(&mut plugin);
    assert_eq!(plugin.told(), []);
    let mut writable = 0;
    while writable < 20 {
        daemon.receive();
        worker.pump(0, &mut plugin);
        for told in plugin.told() {
            assert_eq!(told, Told::Event(1, EVENT_WRITABLE));
            writable += 1;
            while exchange.write(&mut Some(&chunk[..]), false) == Ok(()) {
                accepted += chunk.len();
            }
        }
    }
    exchange.write(&mut None::<&[u8]>, true).unwrap();
    drop(exchange);
    let seen: usize =
        daemon.seen.drain(..).map(|s| if let Seen::Data { len, .. } = s { len } else { 0 }).sum();
    // What the window did not take of the last write is sent before the end.
    assert_eq!(seen + transfer(&worker, daemon, &mut plugin, id), accepted);
}

#[test]
fn a_full_socket_asks_for_writability_and_many_streams_share_it() {
    let (worker, mut daemons, woken) = worker(1);
    let daemon = &mut daemons[0];
    let mut plugin = Plugin::default();
    let ids: Vec<_> = (0..64).map(|_| daemon.request("/", true)).collect();
    daemon.send();
    worker.pump(0, &mut plugin);
    for exchange in plugin.exchanges.drain(..) {
        exchange.respond(200, [], &mut Some(bytes::Bytes::from(vec![3; 100_000])), true).unwrap();
    }
    assert_eq!(woken.load(Ordering::SeqCst), 1);
    let pumped = worker.flush(&mut plugin);
    assert!(pumped.want_write, "6 MB do not fit into a socket: {pumped:?}");
    assert!(worker.pump(0, &mut plugin).want_write);
    assert_eq!(woken.load(Ordering::SeqCst), 1, "the loop knows");
    let mut left: std::collections::HashMap<_, _> = ids.iter().map(|&id| (id, 100_000)).collect();
    while !left.is_empty() {
        worker.flush(&mut plugin);
        assert!(daemon.receive(), "stalled with {left:?}");
        while let Some(seen) = daemon.seen.pop_front() {
            if let Seen::Data { id, len, end } = seen {
                let rest = left.get_mut(&id).unwrap();
                *rest -= len;
                if end {
                    assert_eq!(left.remove(&id), Some(0));
                }
            }
        }
    }
    assert_eq!(worker.flush(&mut plugin), IDLE);
}

#[test]
fn the_peer_may_send_no_more_than_is_read() {
    let (worker, mut daemons, _) = worker(1);
    let daemon = &mut daemons[0];
    let mut plugin = Plugin::default();
    let id = daemon.request("/", false);
    static PART: [u8; 64 * 1024] = [4; 64 * 1024];
    let window = Limits::default().initial_window as usize;
    for _ in 0..window / PART.len() {
        daemon.body(id, &PART, false);
    }
    assert_eq!(daemon.connection.capacity(id), 0);
    let until_drained = |worker: &Arc<Worker>, daemon: &mut Daemon, plugin: &mut Plugin| {
        for _ in 0..100 {
            daemon.send();
            if worker.pump(0, plugin).drained && daemon.connection.outbox().is_empty() {
                return;
            }
        }
        panic!("never drained");
    };
    until_drained(&worker, daemon, &mut plugin);
    daemon.receive();
    assert_eq!(daemon.connection.capacity(id), 0, "nothing was read, so nothing is given back");
    let exchange = plugin.exchanges.pop().unwrap();
    let mut read = 0;
    while let Ok(Received::Data(data)) = exchange.read() {
        read += data.len();
    }
    assert_eq!(read, window);
    worker.flush(&mut plugin);
    daemon.receive();
    assert!(daemon.connection.capacity(id) >= window, "and now it is");
}

#[test]
fn a_cancel_frees_what_was_kept() {
    struct Owner(Vec<u8>, #[expect(dead_code, reason = "held to be counted")] Arc<()>);
    impl AsRef<[u8]> for Owner {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    let (worker, mut daemons, _) = worker(1);
    let daemon = &mut daemons[0];
    let mut plugin = Plugin::default();
    let id = daemon.request("/", true);
    daemon.send();
    worker.pump(0, &mut plugin);
    let exchange = plugin.exchanges.pop().unwrap();
    exchange.set_user(9).unwrap();
    let alive = Arc::new(());
    let body = bytes::Bytes::from_owner(Owner(vec![5; 4 * 1024 * 1024], Arc::clone(&alive)));
    exchange.respond(200, [], &mut Some(body), true).unwrap();
    worker.flush(&mut plugin);
    assert_eq!(Arc::strong_count(&alive), 2);
    daemon.connection.reset(id, ResetCode::Cancel, "");
    daemon.send();
    plugin.told();
    for _ in 0..4 {
        daemon.receive();
        worker.pump(0, &mut plugin);
    }
    assert_eq!(plugin.told(), [Told::Event(9, EVENT_CANCELLED)]);
    assert_eq!(Arc::strong_count(&alive), 1);
}
