//! Processes that come and go while requests flow.

use std::cell::Cell;

use super::*;

/// Answers every request of a shim with its name, until the link ends; counts them.
fn answering(mut shim: FakeShim, name: &'static str) -> (Rc<Cell<usize>>, tokio::task::JoinHandle<()>) {
    let count = Rc::new(Cell::new(0));
    let counter = Rc::clone(&count);
    let task = tokio::task::spawn_local(async move {
        loop {
            match shim.next().await {
                Said::Request { id, .. } => {
                    shim.answer(id, 200, &[], name.as_bytes()).await;
                    counter.set(counter.get() + 1);
                }
                Said::Gone => return,
                _ => {}
            }
        }
    });
    (count, task)
}

#[test]
fn a_replacement_under_load_fails_no_request() {
    run(async || {
        let mut bench = Bench::new(PlaneOptions { workers: 2, ..options() });
        let limits = Limits { concurrency: 4, ..Limits::default() };
        let plugin = Plugin::new("foo", "/foo", limits.clone(), Grants::default());
        let (mut generation, shims) = bench.install(&plugin).await;
        bench.route(&plugin, Target::Ready([generation].into()));
        let mut tasks: Vec<_> = shims.into_iter().map(|shim| answering(shim, "0").1).collect();
        let done = Rc::new(Cell::new(false));
        let mut loads = Vec::new();
        for _ in 0..16 {
            let mut client = bench.connect().await;
            let done = Rc::clone(&done);
            loads.push(tokio::task::spawn_local(async move {
                let mut count = 0;
                while !done.get() {
                    client.send(get("/foo")).await;
                    let answer = client.answer().await;
                    assert_eq!(answer.status, 200, "{answer:?}");
                    count += 1;
                }
                count
            }));
        }
        for _ in 0..20 {
            let plugin = Plugin::new("foo", "/foo", limits.clone(), Grants::default());
            let (new, shims) = bench.install(&plugin).await;
            let new_tasks: Vec<_> = shims.into_iter().map(|shim| answering(shim, "x").1).collect();
            bench.route(&plugin, Target::Ready([new].into()));
            assert_eq!(bench.plane.drain(generation, Duration::from_secs(30)).await, Left::default());
            for task in tasks {
                task.await.unwrap();
            }
            (generation, tasks) = (new, new_tasks);
        }
        done.set(true);
        for load in loads {
            assert!(load.await.unwrap() > 0);
        }
        assert!(bench.failures.try_recv().is_err(), "a drained process is no failure");
    });
}

#[test]
fn draining_ends_at_its_deadline_and_says_what_was_cut_off() {
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, mut shim) = bench.plugin("/foo", Limits::default()).await;
        let mut client = bench.connect().await;
        client.send(get("/foo")).await;
        shim.request().await;
        bench.route(&plugin, Target::Down(Down::Draining));
        let left = bench.plane.drain(Generation(1), Duration::from_millis(10)).await;
        assert_eq!(left, Left { requests: 1, background: false });
        client.answer().await.problem(502, "plugin-crashed", Some("foo"));
        assert_eq!(
            bench.plane.drain(Generation(1), Duration::from_secs(30)).await,
            Left::default(),
            "again: nothing is there"
        );
    });
}

/// Answers one request of `/foo`, with work that outlives it.
async fn leaves_work(bench: &Bench, shim: &mut FakeShim) {
    let mut client = bench.connect().await;
    client.send(get("/foo")).await;
    let id = shim.request().await;
    assert!(shim.conn.begin_background(id));
    shim.answer(id, 200, &[], b"early").await;
    assert_eq!(client.answer().await.text(), "early");
}

#[test]
fn work_that_outlives_its_requests_is_waited_for_but_not_beyond_the_deadline() {
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, mut shim) = bench.plugin("/foo", Limits::default()).await;
        leaves_work(&bench, &mut shim).await;
        bench.route(&plugin, Target::Down(Down::Draining));
        let plane = bench.plane.clone();
        let drained =
            tokio::task::spawn_local(
                async move { plane.drain(Generation(1), Duration::from_secs(30)).await },
            );
        // The link is there still: it answers.
        assert!(shim.conn.ping(7));
        shim.flush().await;
        assert!(!drained.is_finished());
        shim.conn.end_background();
        shim.flush().await;
        assert_eq!(drained.await.unwrap(), Left::default());
        assert_eq!(shim.next().await, Said::Gone);

        let (plugin, mut shim) = bench.plugin("/foo", Limits::default()).await;
        leaves_work(&bench, &mut shim).await;
        bench.route(&plugin, Target::Down(Down::Draining));
        let left = bench.plane.drain(Generation(2), Duration::from_millis(10)).await;
        assert_eq!(left, Left { requests: 0, background: true });
        assert_eq!(left.to_string(), "background work was");
    });
}

#[test]
fn the_end_of_the_plane_waits_for_work_and_for_what_it_asks_of_others() {
    run(async || {
        let mut bench = Bench::new(options());
        let (_, mut shim) = bench.plugin("/foo", Limits::default()).await;
        let (_, mut target) = bench.plugin("/bar", Limits::default()).await;
        leaves_work(&bench, &mut shim).await;
        let plane = bench.plane.clone();
        let ended = tokio::task::spawn_local(async move { plane.shutdown(Duration::from_secs(30)).await });
        let id = shim.fetch("/bar", None, true).await;
        let asked = target.request().await;
        target.answer(asked, 200, &[], b"still here").await;
        assert!(
            matches!(shim.next().await, Said::Response { id: answered, status: 200, .. } if answered == id)
        );
        assert!(!ended.is_finished());
        shim.conn.end_background();
        shim.flush().await;
        ended.await.unwrap();
    });
}

#[test]
fn cutting_answers_at_once() {
    run(async || {
        let mut bench = Bench::new(options());
        let (_, mut shim) = bench.plugin("/foo", Limits::default()).await;
        let mut client = bench.connect().await;
        client.send(get("/foo")).await;
        shim.request().await;
        bench.plane.cut(Generation(1)).await;
        client.answer().await.problem(502, "plugin-crashed", Some("foo"));
        assert!(bench.failures.try_recv().is_err());
    });
}

#[test]
fn instances_share_the_work() {
    run(async || {
        let mut bench = Bench::new(options());
        let plugin = Plugin::new("foo", "/foo", Limits::default(), Grants::default());
        let (one, mut first) = bench.install(&plugin).await;
        let (two, mut second) = bench.install(&plugin).await;
        bench.route(&plugin, Target::Ready([one, two].into()));
        let (a, _) = answering(first.remove(0), "a");
        let (b, b_task) = answering(second.remove(0), "b");
        for _ in 0..20 {
            assert_eq!(bench.ask(&get("/foo")).await.status, 200);
        }
        assert!(a.get() >= 5 && b.get() >= 5, "{} and {}", a.get(), b.get());
        // One is lost before the routes know: the other one answers.
        bench.plane.cut(two).await;
        b_task.await.unwrap();
        for _ in 0..4 {
            assert_eq!(bench.ask(&get("/foo")).await.text(), "a");
        }
    });
}

#[test]
fn a_process_that_does_not_pong_is_not_installed() {
    run(async || {
        let bench = Bench::new(options());
        let plugin = Plugin::new("foo", "/foo", Limits::default(), Grants::default());
        let install = |socket, deadline| Install {
            plugin: Arc::clone(&plugin),
            generation: Generation(1),
            sockets: vec![socket],
            deadline,
            witness: None,
        };
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let deadline = Duration::from_millis(10);
        assert_eq!(bench.plane.install(install(ours, deadline)).await, Err(PlaneError::NoPong(deadline)));
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        let deadline = Duration::from_secs(30);
        let closed = Err(PlaneError::Link(LinkFailureKind::Closed));
        assert_eq!(bench.plane.install(install(ours, deadline)).await, closed);
        let none =
            Install { plugin, generation: Generation(2), sockets: Vec::new(), deadline, witness: None };
        assert_eq!(bench.plane.install(none).await, Err(PlaneError::Sockets { given: 0, workers: 1 }));
    });
}

#[test]
fn plugins_call_each_other_within_the_deadline_and_not_too_deeply() {
    run(async || {
        let mut bench = Bench::new(options());
        let (_, mut outer) = bench.plugin("/outer", Limits::default()).await;
        let (_, mut inner) = bench.plugin("/inner", Limits::default()).await;
        let mut client = bench.connect().await;
        client.send("GET /outer HTTP/1.1\r\nHost: a\r\nX-Request-Id: one\r\n\r\n").await;
        let parent = outer.request().await;
        let fetch = outer.fetch("/inner/x?y", Some(parent), true).await;
        let Said::Request { id, target, fields, .. } = inner.next().await else { panic!() };
        assert_eq!(target, "/x?y");
        assert!(fields.contains(&("x-request-id".to_owned(), "one".to_owned())));
        inner.answer(id, 200, &[("x-y", "z")], b"inner").await;
        let Said::Response { status: 200, fields, .. } = outer.next().await else { panic!() };
        assert!(fields.contains(&("x-valor-plugin".to_owned(), "inner".to_owned())));
        let Said::Data { data, .. } = outer.next().await else { panic!() };
        outer.answer(parent, 200, &[], &data).await;
        assert_eq!(client.answer().await.text(), "inner");
        let _ = fetch;

        // One that calls itself for ever is stopped by the depth.
        client.send(get("/outer")).await;
        let mut parent = outer.request().await;
        let mut depth = 0;
        let reason = loop {
            outer.fetch("/outer", Some(parent), true).await;
            match outer.next().await {
                Said::Request { id, .. } => parent = id,
                Said::Reset { reason, .. } => break reason,
                other => panic!("{other:?}"),
            }
            depth += 1;
        };
        assert_eq!((depth, reason.as_str()), (8, "more than 8 plugins call each other for one request"));
        // What a client could not ask, a plugin cannot either.
        outer.fetch("/outer/../x", None, true).await;
        assert!(matches!(outer.next().await, Said::Reset { code: valor_wire::ResetCode::Refused, .. }));
        outer.fetch("/nobody", None, true).await;
        assert!(matches!(outer.next().await, Said::Response { status: 404, .. }));
    });
}

#[test]
fn shutting_down_finishes_what_is_in_flight() {
    run(async || {
        let mut bench = Bench::new(options());
        let (_, mut shim) = bench.plugin("/foo", Limits::default()).await;
        let (mut busy, mut idle) = (bench.connect().await, bench.connect().await);
        busy.send(get("/foo")).await;
        let id = shim.request().await;
        idle.send(get("/_health")).await;
        idle.answer().await;
        let plane = bench.plane.clone();
        let down = tokio::task::spawn_local(async move { plane.shutdown(Duration::from_secs(30)).await });
        assert!(idle.closed().await);
        shim.answer(id, 200, &[], b"last").await;
        let answer = busy.answer().await;
        assert_eq!(answer.text(), "last");
        assert_eq!(answer.headers["connection"], "close");
        down.await.unwrap();
        assert_eq!(shim.next().await, Said::Gone);
        let socket = UnixStream::pair().unwrap().0;
        let plugin = Plugin::new("foo", "/foo", Limits::default(), Grants::default());
        let late = Install {
            plugin,
            generation: Generation(9),
            sockets: vec![socket],
            deadline: Duration::from_secs(1),
            witness: None,
        };
        assert_eq!(bench.plane.install(late).await, Err(PlaneError::ShuttingDown));
    });
}

#[test]
fn shutting_down_does_not_wait_for_a_plugin_that_hangs() {
    run(async || {
        let mut bench = Bench::new(options());
        let (_, mut shim) = bench.plugin("/foo", Limits::default()).await;
        let mut client = bench.connect().await;
        client.send(get("/foo")).await;
        shim.request().await;
        bench.plane.shutdown(Duration::from_millis(10)).await;
        client.answer().await.problem(502, "plugin-crashed", Some("foo"));
    });
}

#[test]
fn the_end_waits_for_no_answer_and_for_every_thread() {
    run(async || {
        let mut bench = Bench::new(PlaneOptions { workers: 2, ..options() });
        let (_plugin, mut shim) = bench.plugin("/foo", Limits::default()).await;
        let mut client = bench.connect().await;
        client.send(get("/foo")).await;
        assert!(matches!(shim.next().await, Said::Request { .. }));
        // A stop that is under way, as at the second signal, holds up nothing.
        let plane = bench.plane.clone();
        let stopping = tokio::task::spawn_local(async move { plane.shutdown(Duration::from_secs(60)).await });
        tokio::task::yield_now().await;
        assert!(bench.plane.end(Duration::from_secs(30)).await, "a thread is left");
        stopping.await.unwrap();
        assert!(client.closed().await);
        assert!(matches!(shim.next().await, Said::Gone));
        assert!(!bench.plane.pulse().await);
        assert!(bench.plane.end(Duration::from_secs(30)).await, "it has ended already");
    });
}
