use super::super::EVENT_READABLE;
use super::*;

#[test]
fn other_threads_wake_the_loop_once_until_it_flushes() {
    let (worker, mut daemons, woken) = worker(1);
    let daemon = &mut daemons[0];
    let mut plugin = Plugin::default();
    for _ in 0..8 {
        daemon.request("/", true);
    }
    daemon.send();
    worker.pump(0, &mut plugin);
    let rest = plugin.exchanges.split_off(4);
    let answer = |exchanges: Vec<Exchange>| {
        std::thread::scope(|scope| {
            for exchange in exchanges {
                scope.spawn(move || ok(&exchange, b"late", true).unwrap());
            }
        });
    };
    answer(std::mem::take(&mut plugin.exchanges));
    assert_eq!(woken.load(Ordering::SeqCst), 1);
    assert_eq!(daemon.next(), None, "only the loop writes");
    assert_eq!(worker.flush(&mut plugin), IDLE);
    assert!(daemon.next().is_some());
    answer(rest);
    assert_eq!(woken.load(Ordering::SeqCst), 2);
    worker.flush(&mut plugin);
    daemon.receive();
    assert_eq!(daemon.connection.open_streams(), 0);
}

#[test]
fn work_left_by_another_thread_during_a_pump_is_done_by_that_pump() {
    let (worker, mut daemons, woken) = worker(1);
    let mut plugin = Plugin {
        answer: Some(|exchange, _| {
            std::thread::spawn(move || ok(&exchange, b"from afar", true).unwrap()).join().unwrap();
        }),
        ..Plugin::default()
    };
    let id = daemons[0].request("/", true);
    daemons[0].send();
    worker.pump(0, &mut plugin);
    assert_eq!(woken.load(Ordering::SeqCst), 0);
    assert!(matches!(daemons[0].next(), Some(Seen::Response { id: of, .. }) if of == id));
}

#[test]
fn only_the_workers_thread_makes_callbacks() {
    let (worker, mut daemons, woken) = worker(1);
    let mut plugin = Plugin::default();
    let id = daemons[0].request("/", false);
    daemons[0].body(id, b"x", false);
    daemons[0].send();
    worker.pump(0, &mut plugin);
    let exchange = plugin.exchanges.pop().unwrap();
    ok(&exchange, b"hello", false).unwrap();
    exchange.set_user(2).unwrap();
    assert_eq!(woken.load(Ordering::SeqCst), 1);
    let elsewhere = Arc::clone(&worker);
    let told = std::thread::spawn(move || {
        let mut plugin = Plugin::default();
        elsewhere.flush(&mut plugin);
        plugin.told()
    });
    assert_eq!(told.join().unwrap(), []);
    assert!(matches!(daemons[0].next(), Some(Seen::Response { .. })), "it did write");
    plugin.told();
    worker.flush(&mut plugin);
    assert_eq!(plugin.told(), [Told::Event(2, EVENT_READABLE)]);
}

#[test]
fn callbacks_may_do_everything_and_what_they_queue_is_written() {
    let (worker, mut daemons, woken) = worker(2);
    let mut plugin = Plugin::default();
    // One exchange on each socket; an event on the first ends the second.
    let ids: Vec<_> = daemons
        .iter_mut()
        .map(|daemon| {
            let id = daemon.request("/", false);
            daemon.send();
            id
        })
        .collect();
    worker.pump(0, &mut plugin);
    worker.pump(1, &mut plugin);
    let other = plugin.exchanges.pop().unwrap();
    plugin.exchanges[0].set_user(0).unwrap();
    worker.flush(&mut plugin);
    let mut other = Some(other);
    plugin.on_event = Some(Box::new(move |_, _| {
        let other = other.take().unwrap();
        other.set_user(1).unwrap();
        ok(&other, b"done", true).unwrap();
    }));
    plugin.told();
    daemons[0].body(ids[0], b"go", false);
    daemons[0].send();
    let before = woken.load(Ordering::SeqCst);
    worker.pump(0, &mut plugin);
    assert_eq!(plugin.told(), [Told::Event(0, EVENT_READABLE), Told::Release(1)]);
    assert!(matches!(daemons[1].next(), Some(Seen::Response { .. })));
    assert_eq!(woken.load(Ordering::SeqCst), before);
}

#[test]
fn a_block_on_another_socket_is_told_by_a_wake() {
    let (worker, mut daemons, woken) = worker(2);
    let mut plugin = Plugin::default();
    for _ in 0..40 {
        daemons[1].request("/", true);
    }
    daemons[1].send();
    worker.pump(1, &mut plugin);
    plugin.answer = Some(|exchange, _| drop(exchange));
    let exchanges = std::mem::take(&mut plugin.exchanges);
    let mut exchanges = Some(exchanges);
    plugin.on_event = Some(Box::new(move |_, _| {
        for exchange in exchanges.take().into_iter().flatten() {
            exchange.respond(200, [], &mut Some(bytes::Bytes::from(vec![0; 100_000])), true).unwrap();
        }
    }));
    let fetch = {
        let head = RequestHead { method: "GET", target: "/x", deadline_ms: 0, parent: None };
        let first = worker.fetch(None, &head, [], &mut None::<&[u8]>, true, 1).unwrap();
        worker.flush(&mut plugin);
        if matches!(daemons[0].next(), Some(Seen::Request { .. })) {
            first
        } else {
            let second = worker.fetch(None, &head, [], &mut None::<&[u8]>, true, 1).unwrap();
            worker.flush(&mut plugin);
            second
        }
    };
    daemons[0].receive();
    let before = woken.load(Ordering::SeqCst);
    daemons[0].socket.shutdown(std::net::Shutdown::Both).unwrap();
    let pumped = worker.pump(0, &mut plugin);
    assert!(!pumped.want_write, "socket 0 is not the one that is full: {pumped:?}");
    assert_eq!(woken.load(Ordering::SeqCst), before + 1);
    assert!(worker.flush(&mut plugin).want_write);
    drop(fetch);
}

#[test]
fn a_wake_that_came_too_early_is_made_up_for() {
    let (worker, mut daemons, _) = worker(1);
    worker.set_wake(None);
    let mut plugin = Plugin::default();
    daemons[0].request("/", true);
    daemons[0].send();
    worker.pump(0, &mut plugin);
    ok(&plugin.exchanges[0], b"x", true).unwrap();
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    worker.set_wake(Some(Box::new(move || sender.try_send(()).unwrap())));
    assert_eq!(receiver.try_recv(), Ok(()));
}
