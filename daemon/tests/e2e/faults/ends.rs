//! Processes that end in the middle of a request: by themselves, by a fault, by what they do to their sockets.

use super::trial::{BAD, SOON, Trial, problem};
use crate::harness::PATIENCE;

/// The request in mid-work and another that waits get a 502 each, and the next process serves.
async fn ends(trial: &Trial, act: &str, path: &str, reason: &str) {
    trial.bring(act).await;
    let pid = trial.pid(BAD).await;
    problem(&trial.get(path).await, 502, "plugin-crashed");
    trial.restarted(pid, 1, reason).await;
}

#[tokio::test]
async fn whoever_leaves_is_named_by_its_code() {
    let trial = Trial::start().await;
    for (act, reason) in [
        ("exit_zero", "it exited with code 0 "),
        ("exit_on_request", "it exited with code 3 "),
        ("exit_in_thread", "it exited with code 7 "),
    ] {
        ends(&trial, act, "/bad/act", reason).await;
    }
    trial.end().await;
}

#[tokio::test]
async fn a_fault_is_named_by_its_signal() {
    let trial = Trial::start().await;
    for (act, reason) in [
        ("segfault_on_request", "it was ended by signal 11 (SIGSEGV) "),
        ("abort_on_request", "it was ended by signal 6 (SIGABRT) "),
        // The handler of the Rust runtime says so and aborts.
        ("stack_overflow", "it was ended by signal 6 (SIGABRT); its last line: "),
        // Its own threads have no such handler.
        ("stack_overflow_in_thread", "it was ended by signal 11 (SIGSEGV) "),
        ("divides_by_zero", "it was ended by signal 8 (SIGFPE) "),
        ("illegal_instruction", "it was ended by signal 4 (SIGILL) "),
        ("bus_error", "it was ended by signal 7 (SIGBUS) "),
        ("foreign_call", "it was ended by signal 31 (SIGSYS) "),
    ] {
        ends(&trial, act, "/bad/act", reason).await;
    }
    trial.end().await;
}

/// To the shim, a socket that is over is valord that wants no more of it.
#[tokio::test]
async fn sockets_that_are_closed_end_it() {
    // Its exit tells more than its sockets, and comes after them.
    let trial = Trial::start_with(|app| app.supervisor.exit_grace = PATIENCE).await;
    for (act, path, reason) in [
        ("closes_socket", "/bad/act", "it exited with code 0 "),
        ("replaces_socket", "/bad/act", "it exited with code 0 "),
        ("shuts_down", "/bad/act/0", "it exited with code 0 "),
        ("shuts_down", "/bad/act/1", "it exited with code 0 "),
    ] {
        ends(&trial, act, path, reason).await;
    }
    trial.end().await;
    // Its exit is waited for, but not for ever.
    let trial = Trial::start().await;
    ends(&trial, "shuts_down_control", "/bad/act", "it closed its control socket ").await;
    trial.end().await;
}

/// Its end, which the data plane sees first, does not overtake what it has said.
#[tokio::test]
async fn what_it_logs_before_it_leaves_is_in_the_log() {
    let trial = Trial::of("logs_and_exits").await;
    for times in 1..=20 {
        let pid = trial.pid(BAD).await;
        problem(&trial.get("/bad/act").await, 502, "plugin-crashed");
        trial.restarted(pid, times, "it exited with code 3 ").await;
        let log = trial.log(BAD).await;
        assert_eq!(log.matches("its very last words").count() as u64, times, "{log}");
    }
    trial.end().await;
}

/// Nothing is said on it while a plugin serves, so that nobody misses it until the end.
#[tokio::test]
async fn a_plugin_without_its_control_socket_serves_and_ends_all_the_same() {
    let trial = Trial::of("closes_control").await;
    let pid = trial.pid(BAD).await;
    assert_eq!(trial.get("/bad/act").await.text(), "closed\n");
    trial.untouched(pid).await;
    trial.unregister(BAD).await.unwrap();
    crate::harness::until_gone(pid).await;
    trial.end().await;
}

/// An exit that hangs is a worker that hangs.
#[tokio::test]
async fn an_exit_that_never_ends_is_ended() {
    let trial = Trial::limited("exit_in_handler", |limits| limits.timeout_ms = SOON).await;
    let pid = trial.pid(BAD).await;
    problem(&trial.get("/bad/act").await, 504, "deadline");
    trial.restarted(pid, 1, "the process answers neither its requests nor pings ").await;
    trial.end().await;
}
