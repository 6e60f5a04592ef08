//! Artifacts that do not arrive as they were announced.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};
use valor_control::MAX_CHUNK;
use valor_control::v1::register_request::Part;
use valor_control::v1::{PluginSpec, RegisterRequest};

use super::{Siege, refused};
use crate::harness::PATIENCE;

/// A hundred bytes that are no library, announced honestly.
fn announced() -> PluginSpec {
    use sha2::Digest as _;
    PluginSpec {
        name: "other".into(),
        file_name: "libother.so".into(),
        sha256: sha2::Sha256::digest([b'x'; 100]).iter().map(|b| format!("{b:02x}")).collect(),
        size: 100,
        ..PluginSpec::default()
    }
}

fn chunk(bytes: &[u8]) -> Part {
    Part::Chunk(bytes.to_vec())
}

async fn send(siege: &Siege, parts: Vec<Part>) -> Status {
    let parts: Vec<_> = parts.into_iter().map(|part| RegisterRequest { part: Some(part) }).collect();
    let sending = siege.valord.control.clone();
    let reply = async move { { sending }.register(tokio_stream::iter(parts)).await };
    tokio::time::timeout(PATIENCE, reply).await.expect("register does not return").unwrap_err()
}

#[tokio::test]
async fn what_is_not_as_agreed_is_refused_and_leaves_nothing() {
    let siege = Siege::start().await;
    let spec = || Part::Spec(announced());
    let all = [b'x'; 100];
    let wrong_hash = PluginSpec { sha256: "0".repeat(64), ..announced() };
    for (what, parts, reason, said) in [
        (
            "two heads",
            vec![spec(), spec()],
            "UPLOAD_FAILED",
            "the first message must be the spec, the others chunks",
        ),
        ("a head later", vec![spec(), chunk(&all[..50]), spec()], "UPLOAD_FAILED", "the others chunks"),
        ("no head", vec![chunk(&all)], "UPLOAD_FAILED", "the first message must be the spec"),
        ("an empty chunk", vec![spec(), chunk(&[])], "UPLOAD_FAILED", "a chunk is empty"),
        (
            "an empty chunk at the end",
            vec![spec(), chunk(&all), chunk(&[])],
            "UPLOAD_FAILED",
            "a chunk is empty",
        ),
        ("a long chunk", vec![spec(), chunk(&vec![0; MAX_CHUNK + 1])], "UPLOAD_FAILED", "more than 64 KiB"),
        ("nothing", vec![spec()], "UPLOAD_DAMAGED", "0 of 100 bytes came"),
        ("less", vec![spec(), chunk(&all[..99])], "UPLOAD_DAMAGED", "99 of 100 bytes came"),
        (
            "more",
            vec![spec(), chunk(&all), chunk(b"x")],
            "UPLOAD_DAMAGED",
            "more than the 100 bytes that were announced",
        ),
        ("other bytes", vec![spec(), chunk(&[b'y'; 100])], "UPLOAD_DAMAGED", "its sha-256 is"),
        ("another hash", vec![Part::Spec(wrong_hash), chunk(&all)], "UPLOAD_DAMAGED", "not 0000"),
    ] {
        let status = send(&siege, parts).await;
        refused(&status, Code::DataLoss, reason, "upload");
        assert!(status.message().contains(said), "{what}: {status:?}");
        siege.unchanged(what).await;
    }
    let status = send(&siege, Vec::new()).await;
    refused(&status, Code::DataLoss, "UPLOAD_FAILED", "upload");
    // It is all there, and no library.
    let status = send(&siege, vec![spec(), chunk(&all)]).await;
    assert_eq!(status.code(), Code::Unknown, "{status:?}");
    siege.end().await;
}

#[tokio::test]
async fn sizes_that_nobody_can_have_are_refused_before_a_byte_is_taken() {
    let siege = Siege::start().await;
    for (size, said) in [
        (0, "the file is empty"),
        (valor_control::MAX_ARTIFACT + 1, "strip the library"),
        (u64::MAX, "strip the library"),
    ] {
        let status = send(&siege, vec![Part::Spec(PluginSpec { size, ..announced() })]).await;
        refused(&status, Code::InvalidArgument, "INVALID", "size");
        let violations = tonic_types::StatusExt::get_details_bad_request(&status).unwrap().field_violations;
        assert!(violations[0].description.contains(said), "{violations:?}");
    }
    siege.end().await;
}

/// An upload that has begun, and what it will end with.
async fn begin(
    siege: &Siege,
) -> (mpsc::Sender<RegisterRequest>, tokio::task::JoinHandle<Result<(), Status>>) {
    let (sender, receiver) = mpsc::channel(1);
    for part in [Part::Spec(announced()), chunk(&[b'x'; 50])] {
        // Taken only when there is somebody to take it.
        let (sender, message) = (sender.clone(), RegisterRequest { part: Some(part) });
        tokio::spawn(async move { drop(sender.send(message).await) });
        tokio::task::yield_now().await;
    }
    let mut control = crate::client::connect(&siege.socket()).await;
    let call = async move { control.register(ReceiverStream::new(receiver)).await.map(|_| ()) };
    (sender, tokio::spawn(call))
}

#[tokio::test]
async fn a_cancelled_upload_leaves_nothing() {
    let siege = Siege::start().await;
    let temporary = siege.valord.dir.path().join("state/artifacts");
    for _ in 0..3 {
        let (sender, call) = begin(&siege).await;
        let begun = async {
            while std::fs::read_dir(&temporary).unwrap().count() < 2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, begun).await.expect("the upload does not begin");
        assert!(!call.is_finished());
        // The caller is gone, and its connection with it.
        call.abort();
        drop(sender);
        siege.unchanged("a cancelled upload").await;
    }
    siege.end().await;
}

#[tokio::test]
async fn uploads_that_hang_keep_nobody_but_their_own_user_waiting() {
    let siege = Siege::start().await;
    let mut hanging = Vec::new();
    // All turns but one.
    for _ in 0..7 {
        hanging.push(begin(&siege).await);
    }
    let temporary = siege.valord.dir.path().join("state/artifacts");
    let begun = async {
        while std::fs::read_dir(&temporary).unwrap().count() < 8 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, begun).await.expect("the uploads do not begin");
    let status = send(&siege, vec![Part::Spec(announced()), chunk(&[b'y'; 100])]).await;
    refused(&status, Code::DataLoss, "UPLOAD_DAMAGED", "upload");
    assert!(hanging.iter().all(|(_, call)| !call.is_finished()));
    hanging.iter().for_each(|(_, call)| call.abort());
    drop(hanging);
    siege.end().await;
}
