use http_body_util::{BodyExt as _, Full, StreamBody};
use valor_wire::Violation;

use super::testing::{Pair, Said, run, short};
use super::*;
use crate::plugin::{Entry, Limits};

fn pair() -> Pair {
    Pair::new(Limits::default(), &LinkOptions::default())
}

async fn read(body: Body) -> Result<Bytes, Failure> {
    body.collect().await.map(http_body_util::Collected::to_bytes)
}

/// A body whose parts come through a channel.
fn parts()
-> (tokio::sync::mpsc::Sender<Bytes>, impl http_body::Body<Data = Bytes, Error = std::convert::Infallible>) {
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Bytes>(16);
    let stream = futures_util::stream::poll_fn(move |cx| {
        receiver.poll_recv(cx).map(|part| part.map(|part| Ok(http_body::Frame::data(part))))
    });
    (sender, StreamBody::new(stream))
}

#[test]
fn a_small_answer_is_whole_and_frees_its_place_at_once() {
    run(async || {
        let mut p = pair();
        let (exchange, source) = p.open(First::Whole(Bytes::from_static(b"ping")));
        assert!(source.is_none());
        let Said::Request { id, target, end: false, .. } = p.shim.next().await else { panic!() };
        assert_eq!(target, "/x?y");
        assert_eq!(p.shim.next().await, Said::Data { id, data: Bytes::from_static(b"ping"), end: true });
        let fields = [
            ("content-type", "text/plain"),
            ("content-length", "4"),
            ("connection", "x-hop"),
            ("x-hop", "1"),
            ("te", "x"),
        ];
        p.shim.answer(id, 201, &fields, b"pong").await;
        let reply = exchange.await.unwrap();
        assert_eq!(reply.status, 201);
        assert_eq!(reply.length, Some(4));
        assert_eq!(reply.headers.len(), 1, "{:?}", reply.headers);
        assert_eq!(reply.headers["content-type"], "text/plain");
        assert_eq!(http_body::Body::size_hint(&reply.body).exact(), Some(4));
        assert_eq!(p.link.plugin().gate.in_flight(), 0);
        assert_eq!(p.link.in_flight(), 0);
        assert_eq!(read(reply.body).await.unwrap(), "pong");
    });
}

#[test]
fn bodies_stream_both_ways_at_once_and_larger_than_every_window() {
    run(async || {
        let Pair { link, mut shim, .. } = pair();
        let plugin = Arc::clone(link.plugin());
        let Entry::Entered(permit) = Gate::enter(Rc::clone(&link)) else { panic!() };
        let (exchange, source) =
            link.open("PUT", "/", [], First::Start(Bytes::new()), Origin::default(), permit).unwrap();
        let total = 5 << 20;
        let upload = vec![7_u8; total];
        tokio::task::spawn_local(source.unwrap().run(Some(Full::new(Bytes::from(upload))), u64::MAX));
        // Echoes what comes as it comes.
        tokio::task::spawn_local(async move {
            let id = shim.request().await;
            shim.respond(id, 200, &[], false);
            let mut waiting = std::collections::VecDeque::new();
            let mut ended = false;
            while !ended || !waiting.is_empty() {
                while let Some(mut data) = waiting.pop_front() {
                    let data: &mut Bytes = &mut data;
                    let room = shim.conn.capacity(id).min(data.len());
                    let part = data.split_to(room);
                    let last = ended && waiting.is_empty() && data.is_empty();
                    shim.conn.send_data(id, part, last).unwrap();
                    if !data.is_empty() {
                        waiting.push_front(data.clone());
                        break;
                    }
                }
                shim.flush().await;
                if ended && waiting.is_empty() {
                    break;
                }
                match shim.next_or_window().await {
                    Said::Data { data, end, .. } => {
                        shim.conn.consumed(id, data.len());
                        waiting.push_back(data);
                        ended = end;
                    }
                    Said::Window => {}
                    other => panic!("{other:?}"),
                }
            }
            shim.next().await
        });
        let reply = exchange.await.unwrap();
        assert_eq!(plugin.gate.in_flight(), 1);
        let body = read(reply.body).await.unwrap();
        assert_eq!(body.len(), total);
        assert!(body.iter().all(|&b| b == 7));
        assert_eq!(plugin.gate.in_flight(), 0);
    });
}

#[test]
fn a_slow_reader_stalls_only_its_own_stream() {
    run(async || {
        let mut p = pair();
        let (slow, _) = p.open(First::Nothing);
        let id = p.shim.request().await;
        p.shim.respond(id, 200, &[], false);
        let window = p.shim.conn.capacity(id);
        p.shim.send(id, &vec![1; window], false).await;
        assert_eq!(p.shim.conn.capacity(id), 0);
        let slow = slow.await.unwrap();
        for _ in 0..3 {
            let (quick, _) = p.open(First::Nothing);
            let other = p.shim.request().await;
            p.shim.answer(other, 200, &[], b"quick").await;
            assert_eq!(read(quick.await.unwrap().body).await.unwrap(), "quick");
        }
        let reading = tokio::task::spawn_local(read(slow.body));
        while p.shim.conn.capacity(id) == 0 {
            assert_eq!(p.shim.next_or_window().await, Said::Window);
        }
        p.shim.send(id, b"end", true).await;
        assert_eq!(reading.await.unwrap().unwrap().len(), window + 3);
    });
}

#[test]
fn a_dropped_exchange_is_cancelled_and_its_upload_ends() {
    run(async || {
        let mut p = pair();
        let (exchange, source) = p.open(First::Start(Bytes::from_static(b"a")));
        let (sender, body) = parts();
        let upload = tokio::task::spawn_local(source.unwrap().run(Some(Box::pin(body)), u64::MAX));
        let id = p.shim.request().await;
        assert!(matches!(p.shim.next().await, Said::Data { end: false, .. }));
        drop(exchange);
        assert_eq!(p.shim.next().await, Said::Reset { id, code: ResetCode::Cancel, reason: String::new() });
        upload.await.unwrap();
        assert!(sender.is_closed());
        assert_eq!(p.link.in_flight(), 0);
        assert_eq!(p.link.plugin().gate.in_flight(), 0);
    });
}

#[test]
fn a_dropped_body_is_cancelled_unless_all_that_was_declared_has_come() {
    run(async || {
        let mut p = pair();
        let (exchange, _) = p.open(First::Nothing);
        let id = p.shim.request().await;
        p.shim.respond(id, 200, &[], false);
        p.shim.send(id, b"some", false).await;
        drop(exchange.await.unwrap());
        assert!(matches!(p.shim.next().await, Said::Reset { code: ResetCode::Cancel, .. }));

        let (exchange, _) = p.open(First::Nothing);
        let id = p.shim.request().await;
        p.shim.respond(id, 200, &[("content-length", "4")], false);
        p.shim.flush().await;
        let mut reply = exchange.await.unwrap();
        reply.body.declare(4).unwrap();
        p.shim.send(id, b"four", false).await;
        assert_eq!(reply.body.frame().await.unwrap().unwrap().into_data().unwrap(), "four");
        drop(reply);
        assert_eq!(p.link.in_flight(), 1, "the END is still to come");
        p.shim.send(id, b"", true).await;
        let (exchange, _) = p.open(First::Nothing);
        let id = p.shim.request().await;
        p.shim.answer(id, 200, &[], b"").await;
        exchange.await.unwrap();
        assert_eq!(p.link.in_flight(), 0);
    });
}

#[test]
fn the_plugin_can_turn_down_an_upload_and_still_answer() {
    run(async || {
        let mut p = pair();
        let (exchange, source) = p.open(First::Start(Bytes::new()));
        let (sender, body) = parts();
        let upload = tokio::task::spawn_local(source.unwrap().run(Some(Box::pin(body)), u64::MAX));
        let id = p.shim.request().await;
        p.shim.conn.stop(id);
        p.shim.answer(id, 200, &[], b"enough").await;
        assert_eq!(read(exchange.await.unwrap().body).await.unwrap(), "enough");
        upload.await.unwrap();
        assert!(sender.is_closed());
    });
}

#[test]
fn too_long_a_body_is_cut_off() {
    run(async || {
        let mut p = pair();
        let (exchange, source) = p.open(First::Start(Bytes::new()));
        tokio::task::spawn_local(source.unwrap().run(Some(Full::new(Bytes::from_static(b"123456"))), 5));
        p.shim.request().await;
        assert_eq!(exchange.await.unwrap_err(), Failure::TooLarge);
        assert!(matches!(p.shim.next().await, Said::Reset { .. }));
    });
}

#[test]
fn declared_lengths_are_held() {
    for (declared, body, early) in
        [("5", &b"four"[..], true), ("3", b"four", true), ("9999999999999999999", b"four", true)]
    {
        run(async || {
            let mut p = pair();
            let (exchange, _) = p.open(First::Nothing);
            let id = p.shim.request().await;
            p.shim.answer(id, 200, &[("content-length", declared)], body).await;
            let mut reply = exchange.await.unwrap();
            assert_eq!(reply.body.declare(reply.length.unwrap()).is_err(), early, "{declared}");
        });
    }
    for (declared, ok) in [("5", false), ("3", false), ("4", true)] {
        run(async || {
            let mut p = pair();
            let (exchange, _) = p.open(First::Nothing);
            let id = p.shim.request().await;
            p.shim.respond(id, 200, &[("content-length", declared)], false);
            p.shim.flush().await;
            let mut reply = exchange.await.unwrap();
            reply.body.declare(reply.length.unwrap()).unwrap();
            p.shim.send(id, b"fo", false).await;
            p.shim.send(id, b"ur", true).await;
            let result = read(reply.body).await;
            assert_eq!(
                result,
                if ok { Ok(Bytes::from_static(b"four")) } else { Err(Failure::Length) },
                "{declared}"
            );
        });
    }
    for bad in [
        &[("content-length", "4"), ("content-length", "5")][..],
        &[("content-length", "+4")],
        &[("content-length", "4, 4")],
    ] {
        run(async || {
            let mut p = pair();
            let (exchange, _) = p.open(First::Nothing);
            let id = p.shim.request().await;
            p.shim.answer(id, 200, bad, b"four").await;
            assert_eq!(exchange.await.unwrap_err(), Failure::BadHead(BadHead::ContentLength));
        });
    }
}

#[test]
fn the_deadline_ends_the_exchange_and_a_pong_saves_the_process() {
    run(async || {
        let mut p = Pair::new(
            short(20),
            &LinkOptions { hung_grace: Duration::from_secs(600), ..LinkOptions::default() },
        );
        let (exchange, _) = p.open(First::Nothing);
        assert_eq!(exchange.await.unwrap_err(), Failure::Deadline);
        assert!(p.link.state.borrow().suspect.is_some());
        let id = p.shim.request().await;
        assert_eq!(p.shim.next().await, Said::Reset { id, code: ResetCode::Deadline, reason: String::new() });
        // The ping is answered on the way to the next request, which therefore comes after the pong.
        let origin = Origin { deadline: None, depth: 0, request_id: None };
        let (exchange, _) = p.link.open("GET", "/", [], First::Nothing, origin, p.permit()).unwrap();
        let id = p.shim.request().await;
        p.shim.answer(id, 200, &[], b"").await;
        exchange.await.unwrap();
        assert_eq!(p.link.state.borrow().suspect, None);
        assert!(p.link.is_open());
    });
}

#[test]
fn neither_answer_nor_pong_is_a_hung_process() {
    run(async || {
        let options = LinkOptions { hung_grace: Duration::from_millis(20), ..LinkOptions::default() };
        let p = Pair::new(short(20), &options);
        let (exchange, _) = p.open(First::Nothing);
        let deadline = Some(Instant::now() + Duration::from_secs(600));
        let origin = Origin { deadline, depth: 0, request_id: None };
        let (patient, _) = p.link.open("GET", "/", [], First::Nothing, origin, p.permit()).unwrap();
        assert_eq!(exchange.await.unwrap_err(), Failure::Deadline);
        assert_eq!(patient.await.unwrap_err(), Failure::Gone);
        assert_eq!(p.driver.await.unwrap(), Ended::Failed(LinkFailureKind::Hung));
    });
}

#[test]
fn a_body_that_stalls_fails_after_the_idle_timeout() {
    run(async || {
        let mut p = Pair::new(
            Limits { idle_timeout: Duration::from_millis(20), ..Limits::default() },
            &LinkOptions::default(),
        );
        let (exchange, _) = p.open(First::Nothing);
        let id = p.shim.request().await;
        p.shim.respond(id, 200, &[], false);
        p.shim.send(id, b"some", false).await;
        assert_eq!(read(exchange.await.unwrap().body).await, Err(Failure::Idle));

        let (exchange, source) = p.open(First::Start(Bytes::new()));
        let (_sender, body) = parts();
        tokio::task::spawn_local(source.unwrap().run(Some(Box::pin(body)), u64::MAX));
        assert_eq!(exchange.await.unwrap_err(), Failure::SourceIdle);
    });
}

#[test]
fn the_total_timeout_ends_what_still_flows() {
    run(async || {
        let total = Some(Duration::from_millis(20));
        let mut p = Pair::new(Limits { total_timeout: total, ..Limits::default() }, &LinkOptions::default());
        let (exchange, _) = p.open(First::Nothing);
        let id = p.shim.request().await;
        p.shim.respond(id, 200, &[], false);
        p.shim.send(id, b"some", false).await;
        // On a slow machine even the head may be late.
        let failure = match exchange.await {
            Ok(reply) => read(reply.body).await.unwrap_err(),
            Err(failure) => failure,
        };
        assert_eq!(failure, Failure::Total);
    });
}

#[test]
fn a_body_that_nobody_reads_gives_its_place_up() {
    run(async || {
        let options = LinkOptions { sink_timeout: Duration::from_millis(20), ..LinkOptions::default() };
        let mut p = Pair::new(Limits::default(), &options);
        for end in [false, true] {
            let (exchange, _) = p.open(First::Nothing);
            let id = p.shim.request().await;
            p.shim.respond(id, 200, &[], false);
            p.shim.send(id, b"some", false).await;
            let body = exchange.await.unwrap().body;
            p.shim.send(id, b"more", end).await;
            while p.link.plugin().gate.in_flight() > 0 {
                tokio::task::yield_now().await;
            }
            assert_eq!(read(body).await, Err(Failure::Unread));
            if !end {
                assert!(matches!(p.shim.next().await, Said::Reset { .. }));
            }
        }
        assert!(p.link.is_open());
    });
}

#[test]
fn a_lost_process_fails_everything_at_once() {
    run(async || {
        let mut p = pair();
        let (waiting, _) = p.open(First::Nothing);
        p.shim.request().await;
        let (streaming, _) = p.open(First::Nothing);
        let id = p.shim.request().await;
        p.shim.respond(id, 200, &[], false);
        p.shim.send(id, b"some", false).await;
        let body = streaming.await.unwrap().body;
        let (complete, _) = p.open(First::Nothing);
        let id = p.shim.request().await;
        p.shim.answer(id, 200, &[], b"all").await;
        drop(p.shim);
        assert_eq!(waiting.await.unwrap_err(), Failure::Gone);
        assert_eq!(read(body).await, Err(Failure::Gone));
        assert_eq!(read(complete.await.unwrap().body).await.unwrap(), "all");
        assert_eq!(p.driver.await.unwrap(), Ended::Failed(LinkFailureKind::Closed));
        assert!(!p.link.is_open());
        let Entry::Entered(permit) = Gate::enter(Rc::clone(&p.link)) else { panic!() };
        let refused = p.link.open("GET", "/", [], First::Nothing, Origin::default(), permit);
        assert_eq!(refused.err(), Some(OpenError::Closed));
    });
}

#[test]
fn what_no_byte_of_has_left_is_told_from_what_may_have_been_seen() {
    run(async || {
        let mut p = pair();
        let (seen, _) = p.open(First::Nothing);
        p.shim.request().await;
        drop(p.shim);
        // The driver has not been asked since: the link still looks open.
        assert!(p.link.is_open());
        let Entry::Entered(permit) = Gate::enter(Rc::clone(&p.link)) else { panic!() };
        let opened = p.link.open("GET", "/", [], First::Nothing, Origin::default(), permit);
        let (unsent, _) = opened.unwrap();
        assert_eq!(unsent.await.unwrap_err(), Failure::Unsent);
        assert_eq!(seen.await.unwrap_err(), Failure::Gone);
    });
}

#[test]
fn a_violation_ends_the_link() {
    run(async || {
        use tokio::io::AsyncWriteExt as _;
        let mut p = pair();
        let (waiting, _) = p.open(First::Nothing);
        p.shim.request().await;
        p.shim.socket.write_all(&[0xff; 64]).await.unwrap();
        assert_eq!(waiting.await.unwrap_err(), Failure::Gone);
        let ended = p.driver.await.unwrap();
        assert_eq!(ended, Ended::Failed(LinkFailureKind::Violation(Violation::UnknownFrame(0xff))));
        assert_eq!(p.shim.next().await, Said::Gone);
    });
}

#[test]
fn draining_waits_for_the_last_answer() {
    run(async || {
        let mut p = pair();
        let (exchange, _) = p.open(First::Nothing);
        let id = p.shim.request().await;
        let mut drained = p.link.drain();
        assert!(!p.link.is_open());
        assert!(drained.try_recv().is_err());
        p.shim.answer(id, 200, &[], b"last").await;
        exchange.await.unwrap();
        drained.await.unwrap();
        // With nothing in flight there is nothing to wait for.
        assert!(p.link.drain().await.is_err());
    });
}

#[test]
fn draining_waits_for_the_work_that_outlives_its_requests() {
    run(async || {
        let mut p = pair();
        let (exchange, _) = p.open(First::Nothing);
        let id = p.shim.request().await;
        assert!(p.shim.conn.begin_background(id));
        p.shim.answer(id, 200, &[], b"").await;
        drop(exchange.await.unwrap());
        assert_eq!((p.link.in_flight(), p.link.has_background()), (0, true));
        let (mut drained, mut also) = (p.link.drain(), p.link.rest());
        assert!(drained.try_recv().is_err() && !p.link.at_rest());
        // It may fetch meanwhile.
        let fetched = p.shim.fetch("/elsewhere", Some(id), true).await;
        assert!(matches!(p.shim.next().await, Said::Reset { id, .. } if id == fetched));
        assert!(drained.try_recv().is_err() && also.try_recv().is_err());
        p.shim.conn.end_background();
        p.shim.flush().await;
        drained.await.unwrap();
        also.await.unwrap();
        assert!(p.link.at_rest());
    });
}

#[test]
fn nobody_waits_for_the_work_of_a_link_that_is_over() {
    run(async || {
        let mut p = pair();
        let (exchange, _) = p.open(First::Nothing);
        let id = p.shim.request().await;
        p.shim.conn.begin_background(id);
        p.shim.answer(id, 200, &[], b"").await;
        drop(exchange.await.unwrap());
        let drained = p.link.drain();
        p.link.end(Ended::Closed);
        assert!(drained.await.is_err());
        assert!(p.link.at_rest());
    });
}

#[test]
fn a_full_socket_is_waited_for() {
    run(async || {
        let mut p = pair();
        let mut exchanges = Vec::new();
        let body = Bytes::from(vec![3; 100_000]);
        for _ in 0..40 {
            exchanges.push(p.open(First::Whole(body.clone())));
        }
        let sources: Vec<_> = exchanges.iter_mut().filter_map(|(_, source)| source.take()).collect();
        assert!(!sources.is_empty(), "forty bodies are more than the outbox takes");
        for source in sources {
            tokio::task::spawn_local(source.run(None::<Full<Bytes>>, u64::MAX));
        }
        let mut ended = 0;
        let mut bytes = 0;
        while ended < 40 {
            match p.shim.next().await {
                Said::Data { id, data, end } => {
                    bytes += data.len();
                    p.shim.conn.consumed(id, data.len());
                    if end {
                        ended += 1;
                        p.shim.answer(id, 204, &[], b"").await;
                    }
                }
                Said::Request { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(bytes, 40 * body.len());
        for (exchange, _) in exchanges {
            assert_eq!(exchange.await.unwrap().status, 204);
        }
    });
}

mod fetches {
    use http::{Request, Response};

    use super::*;

    #[test]
    fn a_fetch_inherits_from_its_parent_and_streams_both_ways() {
        run(async || {
            let mut p = pair();
            *p.fetches.answer.borrow_mut() = Some(Box::new(|request: Request<Body>| {
                Box::pin(async move {
                    assert_eq!(request.uri(), "http://elsewhere/x");
                    assert_eq!(request.method(), "POST");
                    // The body goes back as it comes.
                    let body = request.into_body().map_err(|e| Box::new(e) as BoxError);
                    let response =
                        Response::builder().status(203).header("x-y", "z").header("connection", "x-y");
                    Ok(response.body(Box::pin(body) as BoxedBody).unwrap())
                })
            }));
            let deadline = Some(Instant::now() + Duration::from_secs(5));
            let request_id = Some(HeaderValue::from_static("abc"));
            let origin = Origin { deadline, depth: 3, request_id: request_id.clone() };
            let (_exchange, _) = p.link.open("GET", "/", [], First::Nothing, origin, p.permit()).unwrap();
            let parent = p.shim.request().await;
            let id = p.shim.fetch("http://elsewhere/x", Some(parent), false).await;
            let Said::Response { status: 203, fields, end: false, .. } = p.shim.next().await else {
                panic!()
            };
            assert_eq!(fields, []);
            p.shim.send(id, b"one", false).await;
            assert_eq!(p.shim.next().await, Said::Data { id, data: Bytes::from_static(b"one"), end: false });
            p.shim.send(id, b"two", true).await;
            let mut got = Vec::new();
            loop {
                let Said::Data { data, end, .. } = p.shim.next().await else { panic!() };
                got.extend_from_slice(&data);
                if end {
                    break;
                }
            }
            assert_eq!(got, b"two");
            let caller = p.fetches.callers.borrow_mut().pop().unwrap();
            assert_eq!((caller.deadline, caller.depth, caller.request_id), (deadline, 4, request_id));
            // Without a parent it is the plugin's own.
            p.shim.fetch("/elsewhere", None, true).await;
            p.shim.next().await;
            assert_eq!(p.fetches.callers.borrow_mut().pop().unwrap().depth, 1);
        });
    }

    #[test]
    fn a_fetch_for_a_request_that_is_over_is_as_deep_as_that_was() {
        run(async || {
            let mut p = Pair::new(Limits::default(), &LinkOptions::default());
            let mut parents = Vec::new();
            for depth in [0, 3, 7] {
                let origin = Origin { deadline: None, depth, request_id: None };
                let (exchange, _) = p.link.open("GET", "/", [], First::Nothing, origin, p.permit()).unwrap();
                let id = p.shim.request().await;
                p.shim.answer(id, 200, &[], b"").await;
                drop(exchange.await.unwrap());
                parents.push(id);
            }
            assert_eq!(p.link.in_flight(), 0);
            for (parent, depth) in parents.into_iter().zip([1, 4, 8]) {
                p.shim.fetch("/elsewhere", Some(parent), true).await;
                p.shim.next().await;
                let caller = p.fetches.callers.borrow_mut().pop().unwrap();
                assert_eq!((caller.depth, caller.request_id), (depth, None));
                assert!(caller.deadline.is_some(), "the plugin's own");
            }
        });
    }

    #[test]
    fn refusals_reach_the_plugin_with_their_reason() {
        run(async || {
            let mut p =
                Pair::new(Limits::default(), &LinkOptions { max_fetches: 2, ..LinkOptions::default() });
            let id = p.shim.fetch("http://elsewhere/x", None, true).await;
            let reason = "nothing is reachable".to_owned();
            assert_eq!(p.shim.next().await, Said::Reset { id, code: ResetCode::Unreachable, reason });
            let id = p.shim.fetch("::", None, true).await;
            let Said::Reset { id: refused, code: ResetCode::Refused, .. } = p.shim.next().await else {
                panic!()
            };
            assert_eq!(id, refused);

            *p.fetches.answer.borrow_mut() = Some(Box::new(|_| Box::pin(std::future::pending())));
            let first = p.shim.fetch("/1", None, true).await;
            p.shim.fetch("/2", None, true).await;
            let third = p.shim.fetch("/3", None, false).await;
            let Said::Reset { id, code: ResetCode::Refused, .. } = p.shim.next().await else { panic!() };
            assert_eq!(id, third);
            // The plugin gives one up, and there is room again.
            p.shim.conn.reset(first, ResetCode::Cancel, "");
            p.shim.flush().await;
            let (exchange, _) = p.open(First::Nothing);
            let id = p.shim.request().await;
            p.shim.answer(id, 200, &[], b"").await;
            exchange.await.unwrap();
            *p.fetches.answer.borrow_mut() = None;
            let fourth = p.shim.fetch("/4", None, true).await;
            let Said::Reset { id, code: ResetCode::Unreachable, .. } = p.shim.next().await else { panic!() };
            assert_eq!(id, fourth);
        });
    }

    #[test]
    fn a_fetch_ends_at_its_deadline() {
        run(async || {
            let mut p = Pair::new(short(20), &LinkOptions::default());
            *p.fetches.answer.borrow_mut() = Some(Box::new(|_| Box::pin(std::future::pending())));
            let id = p.shim.fetch("/1", None, true).await;
            let Said::Reset { id: ended, code: ResetCode::Deadline, .. } = p.shim.next().await else {
                panic!()
            };
            assert_eq!(id, ended);
        });
    }
}
