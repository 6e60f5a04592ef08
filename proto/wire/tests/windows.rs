//! Credit: spent, given back, grown, capped; a slow reader stalls only its own stream.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use bytes::Bytes;
use common::{LIMITS, Pair, Said, frames, take};
use valor_wire::{FrameType, Limits, SendError};

/// The sum of credits that wait in the daemon's outbox, which is written by this.
fn credits(pair: &mut Pair) -> Vec<u32> {
    let bytes = take(&mut pair.daemon, usize::MAX);
    common::hear(&mut pair.shim, &bytes).unwrap();
    let frames = frames(&bytes).into_iter().filter(|(header, _)| header.kind == FrameType::Window);
    frames.map(|(_, payload)| u32::from_le_bytes(payload.try_into().unwrap())).collect()
}

/// A stream whose answer the shim streams.
fn answering(pair: &mut Pair) -> valor_wire::StreamId {
    let id = pair.opened();
    pair.shim.respond(id, 200, [], false).unwrap();
    pair.daemon_hears();
    id
}

#[test]
fn an_exhausted_window_stalls_until_credit_comes() {
    let mut pair = Pair::new(Limits { max_buffered: 0, ..LIMITS });
    let id = answering(&mut pair);
    assert_eq!(pair.shim.capacity(id), 100);
    assert_eq!(pair.shim.send_data(id, Bytes::from(vec![1; 101]), false), Err(SendError::Window));
    pair.shim.send_data(id, Bytes::from(vec![1; 100]), false).unwrap();
    assert_eq!(pair.shim.capacity(id), 0);
    assert_eq!(pair.shim.send_data(id, Bytes::from_static(b"!"), false), Err(SendError::Window));
    assert_eq!(pair.daemon_hears().len(), 2, "cut to max_data");
    pair.daemon.consumed(id, 49);
    assert_eq!(credits(&mut pair), [0_u32; 0], "less than half a window is not worth a frame");
    pair.daemon.consumed(id, 1);
    assert_eq!(credits(&mut pair), [50]);
    assert_eq!(pair.shim.capacity(id), 50);
    // The end needs no credit.
    pair.shim.send_data(id, Bytes::from(vec![2; 50]), false).unwrap();
    pair.shim.send_data(id, Bytes::new(), true).unwrap();
    assert!(matches!(pair.daemon_hears()[..], [_, Said::Data { end: true, .. }]));
}

#[test]
fn windows_grow_once_and_all_of_them_stay_under_the_cap() {
    // Room for two streams to grow by 100 each, not for a third.
    let mut pair = Pair::new(LIMITS);
    let ids = [answering(&mut pair), answering(&mut pair), answering(&mut pair)];
    for (id, grown) in ids.into_iter().zip([100, 100, 0]) {
        pair.shim.send_data(id, Bytes::from(vec![1; 60]), false).unwrap();
        pair.daemon_hears();
        pair.daemon.consumed(id, 60);
        assert_eq!(credits(&mut pair), [60 + grown]);
        assert_eq!(pair.shim.capacity(id), 100 + usize::try_from(grown).unwrap());
    }
    // Grown already: half of the larger window now, and no second growth.
    pair.shim.send_data(ids[0], Bytes::from(vec![1; 120]), false).unwrap();
    pair.daemon_hears();
    pair.daemon.consumed(ids[0], 99);
    assert_eq!(credits(&mut pair), [0_u32; 0]);
    pair.daemon.consumed(ids[0], 21);
    assert_eq!(credits(&mut pair), [120]);
    // A stream that ends gives its share to the others.
    pair.shim.send_data(ids[0], Bytes::new(), true).unwrap();
    pair.daemon.send_data(ids[0], Bytes::new(), true).unwrap();
    pair.quiet();
    pair.shim.send_data(ids[2], Bytes::from(vec![1; 50]), false).unwrap();
    pair.daemon_hears();
    pair.daemon.consumed(ids[2], 50);
    assert_eq!(credits(&mut pair), [150]);
}

#[test]
fn a_slow_reader_stalls_only_its_own_stream() {
    let mut pair = Pair::new(LIMITS);
    let (slow, fast) = (answering(&mut pair), answering(&mut pair));
    pair.shim.send_data(slow, Bytes::from(vec![1; 100]), false).unwrap();
    let mut moved = 0;
    for _ in 0..100 {
        let n = pair.shim.capacity(fast);
        assert!(n > 0);
        pair.shim.send_data(fast, Bytes::from(vec![2; n]), false).unwrap();
        for said in pair.daemon_hears() {
            if let Said::Data { id, data, .. } = said
                && id == fast
            {
                pair.daemon.consumed(fast, data.len());
                moved += data.len();
            }
        }
        pair.shim_hears();
    }
    assert!(moved > 10_000);
    assert_eq!(pair.shim.capacity(slow), 0);
}

#[test]
fn a_congested_socket_takes_no_body_but_still_ends() {
    let mut pair = Pair::new(Limits { initial_window: 5000, max_window: 5000, ..LIMITS });
    let id = answering(&mut pair);
    pair.shim.send_data(id, Bytes::from(vec![1; 1000]), false).unwrap();
    assert_eq!(pair.shim.capacity(id), 0, "max_queued bytes wait");
    assert_eq!(pair.shim.send_data(id, Bytes::from_static(b"x"), false), Err(SendError::Window));
    pair.shim.send_data(id, Bytes::new(), true).unwrap();
    assert!(matches!(pair.daemon_hears().last(), Some(Said::Data { end: true, .. })));
}

#[test]
fn a_caller_that_overstates_what_it_took_gives_no_more_than_was_spent() {
    let mut pair = Pair::new(Limits { max_buffered: 0, ..LIMITS });
    let id = answering(&mut pair);
    pair.daemon.consumed(id, usize::MAX);
    assert_eq!(credits(&mut pair), [0_u32; 0]);
    pair.shim.send_data(id, Bytes::from(vec![1; 70]), false).unwrap();
    pair.daemon_hears();
    pair.daemon.consumed(id, usize::MAX);
    pair.daemon.consumed(id, usize::MAX);
    assert_eq!(credits(&mut pair), [70]);
    assert_eq!(pair.shim.capacity(id), 100);
}

#[test]
fn one_credit_at_a_time_waits_to_be_written() {
    let mut pair = Pair::new(Limits { max_buffered: 0, ..LIMITS });
    let id = answering(&mut pair);
    pair.shim.send_data(id, Bytes::from(vec![1; 100]), false).unwrap();
    pair.daemon_hears();
    pair.daemon.consumed(id, 50);
    pair.daemon.consumed(id, 50);
    assert_eq!(credits(&mut pair), [50], "the second half waits for the first to be written");
    pair.shim.send_data(id, Bytes::from(vec![1; 50]), false).unwrap();
    pair.daemon_hears();
    pair.daemon.consumed(id, 1);
    assert_eq!(credits(&mut pair), [51]);
}

#[test]
fn tiny_windows_still_move() {
    for window in [1, 2, 3] {
        let limits = Limits { initial_window: window, max_window: window, max_buffered: 0, ..LIMITS };
        let mut pair = Pair::new(limits);
        let id = answering(&mut pair);
        let mut moved = 0;
        for _ in 0..50 {
            let n = pair.shim.capacity(id);
            pair.shim.send_data(id, Bytes::from(vec![0; n]), false).unwrap();
            for said in pair.daemon_hears() {
                if let Said::Data { data, .. } = said {
                    moved += data.len();
                    pair.daemon.consumed(id, data.len());
                }
            }
            pair.daemon.consumed(id, 0);
            pair.shim_hears();
        }
        assert_eq!(moved, 50 * window as usize);
    }
}
