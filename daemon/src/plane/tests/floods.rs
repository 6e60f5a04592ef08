//! Clients of HTTP/2 that do what is allowed, far too often. A neighbour on the same worker is served meanwhile.

use super::frames::*;
use super::*;

/// Sends `flood` over and over until the connection ends; the neighbour is answered meanwhile, and how it ended is
/// returned. With `deaf`, nothing of what comes back is read before.
async fn flood(bench: &Bench, first: &[u8], mut flood: impl FnMut(u32) -> Vec<u8>, deaf: bool) -> String {
    let mut client = bench.connect().await;
    client.begin_h2().await;
    client.send(first).await;
    for round in 0.. {
        let bytes: Vec<u8> = (0..100).flat_map(|n| flood(round * 100 + n)).collect();
        let (reader, mut writer) = client.stream.split();
        if !deaf {
            // What the daemon answers must not be what stops it.
            let mut scratch = [0; 64 * 1024];
            while let Ok(1..) =
                reader.try_read(&mut scratch).inspect(|n| client.buffer.extend_from_slice(&scratch[..*n]))
            {
            }
        }
        let sent = tokio::select! {
            biased;
            sent = writer.write_all(&bytes) => sent.is_ok(),
            // Blocked: the daemon reads no more.
            () = async {
                neighbour_is_served(bench).await;
                if !deaf {
                    std::future::pending::<()>().await;
                }
                // Only the daemon's own patience ends this.
                let _over = reader.ready(tokio::io::Interest::ERROR).await;
            } => false,
        };
        neighbour_is_served(bench).await;
        if !sent {
            break;
        }
    }
    client.outcome(u32::MAX).await
}

/// On a connection of its own, which is idle for no longer than it takes to ask.
async fn neighbour_is_served(bench: &Bench) {
    let mut neighbour = bench.connect().await;
    neighbour.send(get("/_health")).await;
    assert_eq!(neighbour.answer().await.status, 200);
}

fn short() -> PlaneOptions {
    let http = HttpOptions {
        write_timeout: Duration::from_millis(1),
        // Long enough for a neighbour to ask, however busy the machine is.
        idle_timeout: Duration::from_secs(1),
        ..HttpOptions::default()
    };
    PlaneOptions { http, ..options() }
}

/// Calm is asked for, where the connection is not just cut; a reset may overtake the last frame.
#[track_caller]
fn assert_sent_away(outcome: &str) {
    assert!(["goaway 11", "closed"].contains(&outcome), "{outcome}");
}

#[test]
fn streams_that_are_reset_as_soon_as_they_are_opened() {
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, shim) = bench.plugin("/foo", Limits::default()).await;
        // Nobody reads the plugin's socket: it cannot be what saves the daemon.
        let ended = flood(
            &bench,
            &[],
            |n| [get_on(2 * n + 1, "/foo"), frame(RST_STREAM, 0, 2 * n + 1, &[0, 0, 0, 8])].concat(),
            false,
        )
        .await;
        assert_sent_away(&ended);
        assert_eq!((plugin.gate.in_flight(), plugin.gate.waiting()), (0, 0));
        drop(shim);
    });
}

#[test]
fn streams_that_make_the_daemon_reset_them() {
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, _shim) = bench.plugin("/foo", Limits::default()).await;
        let bad = |n: u32| {
            let fields = block(&request("GET", "/foo", &[("connection", "x")]));
            frame(HEADERS, END_STREAM | END_HEADERS, 2 * n + 1, &fields)
        };
        assert_sent_away(&flood(&bench, &[], bad, false).await);
        assert_eq!(plugin.stats.totals().requests, 0);
    });
}

#[test]
fn a_head_that_is_continued_for_ever() {
    run(async || {
        let bench = Bench::new(options());
        let head = frame(HEADERS, END_STREAM, 1, &block(&request("GET", "/foo", &[])));
        for (shown, more) in [("nothing", Vec::new()), ("fields", block(&[("x", "y")]))] {
            let ended = flood(&bench, &head, |_| frame(CONTINUATION, 0, 1, &more), false).await;
            assert!(["goaway 11", "goaway 1", "closed"].contains(&ended.as_str()), "{shown}: {ended}");
        }
    });
}

#[test]
fn data_without_data() {
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, mut shim) = bench.plugin("/foo", Limits::default()).await;
        let head = frame(HEADERS, END_HEADERS, 1, &block(&request("POST", "/foo", &[])));
        assert_sent_away(&flood(&bench, &head, |_| frame(DATA, 0, 1, &[]), false).await);
        assert_sent_away(&flood(&bench, &head, |_| frame(DATA, 8, 1, &[3, 0, 0, 0]), false).await);
        // Whatever came of them, nothing is in work any more.
        while plugin.gate.in_flight() > 0 {
            shim.next().await;
        }
    });
}

#[test]
fn questions_whose_answers_are_not_read() {
    run(async || {
        let bench = Bench::new(short());
        for (shown, frame) in [
            ("pings", frame(PING, 0, 0, &[0; 8])),
            ("settings", frame(SETTINGS, 0, 0, &[])),
            ("settings that say something", frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0xff, 0xff])),
        ] {
            let ended = flood(&bench, &[], |_| frame.clone(), true).await;
            assert!(["goaway 11", "closed"].contains(&ended.as_str()), "{shown}: {ended}");
        }
    });
}

#[test]
fn what_costs_nothing_ends_with_the_time_for_idle_connections() {
    run(async || {
        let bench = Bench::new(short());
        for (shown, frame) in [
            ("pings", frame(PING, 0, 0, &[0; 8])),
            ("settings", frame(SETTINGS, 0, 0, &[])),
            ("priorities", frame(PRIORITY, 0, 1, &[0, 0, 0, 3, 9])),
            ("unknown frames", frame(0xbe, 0xff, 0, b"whatever")),
            ("acknowledgements", frame(PING, ACK, 0, &[0; 8])),
        ] {
            let ended = flood(&bench, &[], |_| frame.clone(), false).await;
            assert!(["goaway 11", "closed"].contains(&ended.as_str()), "{shown}: {ended}");
        }
    });
}

#[test]
fn more_data_than_there_is_a_window_for() {
    run(async || {
        let mut bench = Bench::new(options());
        let (plugin, mut shim) =
            bench.plugin("/foo", Limits { max_body: 1 << 30, ..Limits::default() }).await;
        let head = frame(HEADERS, END_HEADERS, 1, &block(&request("POST", "/foo", &[])));
        let mut client = bench.connect().await;
        client.begin_h2().await;
        client.send(head).await;
        let id = shim.request().await;
        let data = frame(DATA, 0, 1, &[0; 16 * 1024]);
        let mut ended = "";
        let outcome = loop {
            tokio::select! {
                biased;
                outcome = client.outcome(1) => break outcome,
                () = tokio::task::yield_now() => {}
            }
            ended = "sent";
            client.try_send(&data).await;
        };
        assert!(["goaway 3", "reset 3", "closed"].contains(&outcome.as_str()), "{ended} {outcome}");
        loop {
            match shim.next_or_window().await {
                Said::Reset { id: reset, .. } => break assert_eq!(reset, id),
                Said::Data { end: false, .. } | Said::Window => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(plugin.gate.in_flight(), 0);
    });
}
