//! Guests that fall, spin, grow or only wait.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{CREATED, file, guest, with};
use crate::client::Spec;

#[tokio::test]
async fn a_trap_or_a_hog_loses_its_instance_and_nobody_else_notices() {
    let valord = with(|spec| spec.limits(|limits| limits.memory = 128 << 20)).await;
    let (_dir, file) = file(&guest(CREATED, "nop"));
    valord.register(Spec::new(file, "y")).await;
    let pid = valord.pid("x").await;
    for (path, why) in [("/x/t", "unreachable"), ("/x/d", "stack"), ("/x/g", "memory limit")] {
        assert_eq!(valord.get("/x").await.text(), "n1");
        valord.get(path).await.problem(502, "x");
        valord.until_logged("x", why).await;
    }
    assert_eq!(valord.get("/x").await.text(), "n1", "a fresh one");
    assert_eq!((valord.pid("x").await, valord.plugin("x").await.restarts), (pid, 0), "in the same process");
    assert_eq!(valord.get("/y").await.text(), "n1");
    valord.stop().await;
}

#[tokio::test]
async fn what_never_answers_meets_its_deadline() {
    let valord = with(|spec| spec.limits(|limits| limits.timeout_ms = 3000)).await;
    assert_eq!(valord.get("/x").await.text(), "n1");
    valord.get("/x/n").await.problem(504, "x");
    assert_eq!(valord.get("/x").await.text(), "n2", "whoever only waits harms nobody");
    valord.get("/x/s").await.problem(504, "x");
    valord.until_logged("x", "did not come to an end").await;
    assert_eq!(valord.get("/x").await.text(), "n1", "a fresh one");
    valord.stop().await;
}

/// What the engine itself does not stop, valord does.
#[tokio::test]
async fn a_process_that_stands_still_is_replaced() {
    let valord = crate::harness::Valord::start().await;
    let (_dir, file) = file(&guest(CREATED, "nop"));
    valord.register(Spec::new(file, "x").limits(|limits| limits.timeout_ms = 1000)).await;
    let pid = valord.pid("x").await;
    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGSTOP).unwrap();
    // Its threads stop when they next have a processor.
    while crate::harness::threads(pid).any(|state| state != b'T') {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    valord.get("/x").await.problem(504, "x");
    crate::harness::until_gone(pid).await;
    let back = async { while valord.get("/x").await.status != 200 {} };
    tokio::time::timeout(crate::harness::PATIENCE, back).await.unwrap();
    valord.stop().await;
}
