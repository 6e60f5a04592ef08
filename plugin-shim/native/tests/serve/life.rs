use std::collections::BTreeSet;

use valor_wire::control::{FromShim, ToShim};

use crate::shim::Shim;

#[test]
fn sockets_are_dealt_to_workers() {
    let (mut shim, sdk) = Shim::ready("own_loop", "null", 5, 3);
    assert_eq!(sdk, "");
    let answers: Vec<_> = shim.links.iter_mut().map(|link| link.ask("/").1).collect();
    let expected = |index, sockets| format!("worker {index} of 3, {sockets} sockets");
    assert_eq!(answers, [expected(0, 2), expected(1, 2), expected(2, 1), expected(0, 2), expected(1, 2)]);
    // Never more workers than sockets.
    let (mut shim, _) = Shim::ready("own_loop", "null", 2, 8);
    let answers: BTreeSet<_> = shim.links.iter_mut().map(|link| link.ask("/").1).collect();
    assert_eq!(
        answers.into_iter().collect::<Vec<_>>(),
        ["worker 0 of 2, 1 sockets", "worker 1 of 2, 1 sockets"]
    );
}

#[test]
fn a_drained_process_ends_well_when_its_sockets_are_closed() {
    for name in ["actor", "own_loop"] {
        let (mut shim, _) = Shim::ready(name, "null", 2, 2);
        assert_eq!(shim.links[1].ask("/hello").0, 200);
        shim.tell(&ToShim::Drain);
        // Requests that were on their way are still answered.
        assert_eq!(shim.links[0].ask("/hello").0, 200);
        shim.links.clear();
        let (status, text) = shim.wait();
        assert_eq!(status.code(), Some(0), "{name}: {text}");
    }
}

#[test]
fn nothing_outlives_the_control_socket() {
    let (mut shim, _) = Shim::ready("actor", "null", 1, 1);
    let id = shim.links[0].post("/wait", true);
    shim.links[0].ping();
    let (status, text) = shim.end();
    assert!(status.code().is_some(), "{id:?} {status} {text}");
}

#[test]
fn log_lines_and_stdout_come_through() {
    let (mut shim, _) = Shim::ready("actor", "null", 1, 1);
    assert_eq!(shim.links[0].ask("/log").0, 204);
    assert_eq!(shim.hear_log(), "a line");
    let mut line = [0; 17];
    // While it runs: a pipe is no reason to wait for a full buffer.
    std::io::Read::read_exact(shim.child.stdout.as_mut().unwrap(), &mut line).unwrap();
    assert_eq!(&line, b"a line on stdout\n");
}

#[test]
fn a_flood_of_log_lines_is_bounded_counted_and_holds_nobody_up() {
    let (mut shim, _) = Shim::ready("actor", "null", 1, 1);
    // Eight megabytes, and nobody reads.
    assert_eq!(shim.links[0].ask("/flood").1, "done");
    let mut bytes = 0;
    for _ in 0..100_000 {
        for message in shim.hear_now() {
            let FromShim::Log { message, .. } = message else { panic!("{message:?}") };
            bytes += message.len();
            if let Some(lost) =
                message.strip_suffix(" log lines were dropped: the plugin writes more than valord takes")
            {
                assert!(lost.parse::<u32>().unwrap() > 1000, "{lost}");
                assert!(bytes < 1024 * 1024, "{bytes}");
                return;
            }
        }
        // The line that says so goes before the next one that finds room.
        assert_eq!(shim.links[0].ask("/log").0, 204);
    }
    panic!("nobody was told what was dropped, after {bytes} bytes");
}
