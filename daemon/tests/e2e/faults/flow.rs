//! Plugins that do not read what they are sent, or send what nobody reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame};
use valor_wire::FrameType::{Ping, Window};
use valor_wire::Violation;

use super::frames::{frame, ours};
use super::trial::{BAD, SOON, Trial, problem};
use crate::client;
use crate::harness::PATIENCE;

const HUNG: &str = "the process answers neither its requests nor pings (";

const MIB: usize = 1 << 20;

/// What this process, and so the daemon in it, has in memory: bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// Sends 64 MiB to a path; the answer, and how much of the body was taken.
async fn upload(trial: &Trial, path: &str) -> (client::Answer, usize) {
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    // One block in memory, sent over and over.
    let piece = Bytes::from(vec![7; 64 << 10]);
    let pieces = futures_util::stream::iter((0..1000).map(move |_| {
        count.fetch_add(piece.len(), Ordering::Relaxed);
        Ok::<_, std::io::Error>(Frame::data(piece.clone()))
    }));
    let request =
        http::Request::post(path).header("host", "valor.test").body(StreamBody::new(pieces)).unwrap();
    let exchange =
        async { client::whole(client::send(trial.address, request).await.unwrap()).await.unwrap() };
    let answer = tokio::time::timeout(PATIENCE, exchange).await.expect("the upload is not answered");
    (answer, taken.load(Ordering::Relaxed))
}

/// The daemon holds a window of it, and the rest waits in the client.
#[tokio::test]
async fn an_upload_that_is_not_read_is_not_taken_in() {
    let trial = Trial::start().await;
    for (act, path) in [("sleeps", "/bad/act"), ("never_answers", "/bad/act"), ("says", "/bad/echo-raw")] {
        trial.bring_as(act, |limits| limits.timeout_ms = 5 * SOON).await;
        let pid = trial.pid(BAD).await;
        let before = resident();
        let (answer, taken) = upload(&trial, path).await;
        problem(&answer, 504, "deadline");
        let grown = resident().saturating_sub(before);
        // The buffers of two TCP sockets are most of what is taken, and are no memory of this process.
        assert!(taken < 32 * MIB, "{act}: {taken} bytes were taken");
        assert!(grown < 16 * MIB, "{act}: {grown} bytes more in memory");
        if act == "never_answers" {
            trial.untouched(pid).await;
        } else {
            trial.restarted(pid, 1, HUNG).await;
        }
    }
    trial.end().await;
}

/// Frames that the protocol allows, as many as the socket takes: the neighbour on the same thread has its turn.
#[tokio::test]
async fn a_flood_of_allowed_frames_stalls_nobody_else() {
    let trial = Trial::limited("says", |limits| limits.timeout_ms = 5 * SOON).await;
    let pid = trial.pid(BAD).await;
    trial.script(frame(Window, 0, ours(2, 0), &[0; 4]).repeat(3000)).await;
    let (answer, ()) = tokio::join!(trial.get("/bad/flood"), async {
        for _ in 0..20 {
            assert_eq!(trial.get("/neighbour").await.status, 200);
        }
    });
    problem(&answer, 504, "deadline");
    trial.restarted(pid, 1, HUNG).await;
    trial.end().await;
}

/// Nobody makes the daemon queue answers that are not read.
#[tokio::test]
async fn endless_pings_end_the_process() {
    let trial = Trial::of("says").await;
    for (restarts, path) in [(1, "/bad/flood"), (2, "/bad/echo-raw")] {
        let pid = trial.pid(BAD).await;
        let before = resident();
        trial.script(frame(Ping, 0, 0, &[7; 8])).await;
        problem(&trial.get(path).await, 502, "plugin-crashed");
        let said = format!("the process broke the wire protocol: {} (", Violation::NotReading);
        trial.restarted(pid, restarts, &said).await;
        let grown = resident().saturating_sub(before);
        assert!(grown < 16 * MIB, "{grown} bytes more in memory");
    }
    trial.end().await;
}

#[tokio::test]
async fn an_endless_body_ends_with_its_client() {
    let trial = Trial::of("endless_body").await;
    let pid = trial.pid(BAD).await;
    let before = resident();
    for gone in 1..=3 {
        let response = client::send(trial.address, client::request("GET", "/bad/act", "")).await.unwrap();
        assert_eq!(response.status(), 200);
        let mut body = response.into_body();
        let mut read = 0;
        while read < 8 * MIB {
            read += body.frame().await.unwrap().unwrap().into_data().unwrap().len();
        }
        drop(body);
        let told = async { while trial.get("/bad/cancelled").await.text() != gone.to_string() {} };
        tokio::time::timeout(PATIENCE, told).await.expect("the plugin goes on");
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 16 * MIB, "{grown} bytes more in memory");
    assert_eq!(trial.plugin(BAD).await.in_flight, 0);
    trial.untouched(pid).await;
    trial.end().await;
}
