//! Plugins that do not answer in time: some are slow, some are gone for good.

use futures_util::future::join_all;
use valor_control::v1::Limits;

use super::trial::{BAD, SOON, Trial, problem};
use crate::artifacts::built;
use crate::client::Spec;
use crate::harness::PATIENCE;

const HUNG: &str = "the process answers neither its requests nor pings (";

fn soon(limits: &mut Limits) {
    limits.timeout_ms = SOON;
}

async fn runtime(limits: impl FnOnce(&mut Limits)) -> Trial {
    let trial = Trial::start().await;
    trial.register(Spec::new(built("libvalor_test_runtime_plugin.so"), BAD).limits(limits)).await;
    trial
}

#[tokio::test]
async fn silence_is_a_504_and_harms_nothing() {
    let trial = Trial::limited("never_answers", soon).await;
    let pid = trial.pid(BAD).await;
    let detail = problem(&trial.get("/bad/act").await, 504, "deadline")["detail"].to_string();
    assert_eq!(detail, "\"it has not answered within 400ms\"");
    trial.untouched(pid).await;
    trial.end().await;
}

#[tokio::test]
async fn a_passed_deadline_ends_the_work() {
    let trial = runtime(soon).await;
    let counters = async || -> serde_json::Value {
        serde_json::from_str(trial.get("/bad/counters").await.text()).unwrap()
    };
    // On a busy machine its deadline may pass before the plugin has it.
    while counters().await["begun"] == 0 {
        problem(&trial.get("/bad/forever").await, 504, "deadline");
    }
    let dropped = async {
        loop {
            let counters = counters().await;
            if counters["dropped"] == counters["begun"] {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, dropped).await.expect("the handler goes on");
    assert_eq!(trial.plugin(BAD).await.restarts, 0);
    trial.end().await;
}

#[tokio::test]
async fn an_answer_after_the_deadline_is_nobodys() {
    let trial = Trial::limited("answers_late", soon).await;
    let pid = trial.pid(BAD).await;
    problem(&trial.get("/bad/act").await, 504, "deadline");
    let told = async { while trial.get("/bad/verdict").await.text() != "cancelled\n" {} };
    tokio::time::timeout(PATIENCE, told).await.expect("the plugin is never told");
    trial.untouched(pid).await;
    trial.end().await;
}

/// It may block for a while: it is judged by its pings, and those are answered before the grace is over.
#[tokio::test]
async fn a_worker_that_blocks_for_a_while_is_late_and_not_hung() {
    let trial = Trial::start_with(|app| app.plane.link.hung_grace = PATIENCE).await;
    trial.bring_as("sleeps", soon).await;
    let pid = trial.pid(BAD).await;
    problem(&trial.get("/bad/until-late").await, 504, "deadline");
    trial.untouched(pid).await;
    trial.end().await;
}

#[tokio::test]
async fn a_worker_that_never_comes_back_is_killed_and_replaced() {
    let trial = Trial::start().await;
    for act in ["sleeps", "spin_on_request"] {
        trial.bring_as(act, soon).await;
        let pid = trial.pid(BAD).await;
        // Whoever comes behind it waits as long.
        let (first, second) = tokio::join!(trial.get("/bad/act"), trial.get("/bad/act"));
        problem(&first, 504, "deadline");
        let kind = if second.status == 504 { "deadline" } else { "plugin-crashed" };
        problem(&second, second.status, kind);
        trial.restarted(pid, 1, HUNG).await;
    }
    trial.end().await;
}

#[tokio::test]
async fn a_full_queue_is_a_503_at_once() {
    let trial = runtime(|limits| {
        limits.concurrency = 1;
        limits.queue = Some(1);
        limits.timeout_ms = 2000;
    })
    .await;
    let mut answers = join_all((0..3).map(|_| trial.get("/bad/forever"))).await;
    answers.sort_by_key(|answer| answer.status);
    problem(&answers[0], 503, "busy");
    assert!(answers[0].header("retry-after").parse::<u32>().unwrap() >= 1);
    problem(&answers[1], 504, "deadline");
    problem(&answers[2], 504, "deadline");
    assert_eq!(trial.get("/bad/timer").await.text(), "slept", "the slots are free again");
    trial.end().await;
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_process_goes_on() {
    let trial = runtime(|_| {}).await;
    let pid = trial.pid(BAD).await;
    for path in ["/bad/panic", "/bad/panic-later"] {
        let problem = problem(&trial.get(path).await, 500, "plugin-failed");
        assert!(!problem.to_string().contains("told to"), "what it said is for its log: {problem}");
    }
    trial.until_logged(BAD, "told to panic later").await;
    assert_eq!(trial.get("/bad/timer").await.text(), "slept");
    assert_eq!((trial.pid(BAD).await, trial.plugin(BAD).await.restarts), (pid, 0));
    trial.end().await;
}
