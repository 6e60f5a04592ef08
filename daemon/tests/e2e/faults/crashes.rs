//! Crashes with much in flight, and crashes over and over.

use futures_util::future::join_all;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use valor_control::v1::RestartRequest;

use super::trial::{BAD, Trial, problem};
use crate::artifacts::built;
use crate::client::Spec;
use crate::harness::until_gone;

#[tokio::test]
async fn all_requests_in_flight_are_answered_when_the_process_dies() {
    let trial = Trial::start().await;
    trial.register(Spec::new(built("libvalor_test_runtime_plugin.so"), BAD)).await;
    let pid = trial.pid(BAD).await;
    let requests = join_all((0..8).map(|_| trial.get("/bad/forever")));
    let murder = async {
        while trial.plugin(BAD).await.in_flight < 8 {
            tokio::task::yield_now().await;
        }
        kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
    };
    let (answers, ()) = tokio::join!(requests, murder);
    for answer in answers {
        problem(&answer, 502, "plugin-crashed");
    }
    until_gone(pid).await;
    trial.until_logged(BAD, "valord error it was ended by signal 9 (SIGKILL) (started again in ").await;
    trial.until_state(BAD, "ready").await;
    assert_eq!(trial.plugin(BAD).await.in_flight, 0);
    trial.end().await;
}

#[tokio::test]
async fn crash_loops_end_in_quarantine_until_restart() {
    let trial = Trial::start_with(|app| app.supervisor.rules.crashes = 3).await;
    trial.bring("last_words").await;
    for restarts in 1..=3 {
        problem(&trial.get("/bad/act").await, 502, "plugin-crashed");
        while trial.plugin(BAD).await.restarts < restarts {
            tokio::task::yield_now().await;
        }
        if restarts < 3 {
            trial.until_state(BAD, "ready").await;
        }
    }
    let plugin = trial.until_state(BAD, "quarantined").await;
    let reason = "it exited with code 3; its last line: the database is gone";
    assert_eq!((plugin.restarts, &*plugin.reason), (3, reason));
    let answer = trial.get("/bad/ok").await;
    problem(&answer, 503, "quarantined");
    assert_eq!(answer.header("retry-after"), "", "no time will help");
    let inspected = trial.inspect(BAD).await;
    assert_eq!((inspected.instances[0].pid, &*inspected.instances[0].state), (0, "quarantined"));
    let log = trial.log(BAD).await;
    let last = format!(
        "stderr info one\nstderr info two\nstderr info the database is gone\n\
         valord error {reason} (too often: quarantined until `valorctl restart`)\n"
    );
    assert!(log.ends_with(&last), "{log}");

    let request = RestartRequest { name: BAD.to_owned(), ..RestartRequest::default() };
    let plugin = trial.control.clone().restart(request).await.unwrap().into_inner().plugin.unwrap();
    assert_eq!((&*plugin.state, &*plugin.reason), ("ready", ""));
    assert_eq!(trial.get("/bad/ok").await.text(), "ok\n");
    // It is counted from the start.
    problem(&trial.get("/bad/act").await, 502, "plugin-crashed");
    while trial.plugin(BAD).await.restarts < 4 {
        tokio::task::yield_now().await;
    }
    trial.until_state(BAD, "ready").await;
    trial.end().await;
}
