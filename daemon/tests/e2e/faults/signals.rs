//! Every signal that a process can raise against itself.

use super::trial::{BAD, SOON, Trial, problem};

/// Ends it.
const FATAL: &[(i32, &str)] = &[
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (4, "SIGILL"),
    (5, "SIGTRAP"),
    (6, "SIGABRT"),
    (7, "SIGBUS"),
    (8, "SIGFPE"),
    (9, "SIGKILL"),
    (10, "SIGUSR1"),
    (11, "SIGSEGV"),
    (12, "SIGUSR2"),
    (14, "SIGALRM"),
    (15, "SIGTERM"),
    (16, "SIGSTKFLT"),
    (24, "SIGXCPU"),
    (26, "SIGVTALRM"),
    (27, "SIGPROF"),
    (29, "SIGIO"),
    (30, "SIGPWR"),
    (31, "SIGSYS"),
];

/// Of the first and the last signal for real time; glibc keeps two below for itself.
const REAL_TIME: [i32; 2] = [34, 64];

/// Nothing happens: ignored by default (CHLD, CONT, URG, WINCH), by the shim (PIPE, XFSZ), or because no terminal could
/// ever wake it again (TSTP, TTIN, TTOU).
const HARMLESS: [i32; 9] = [13, 17, 18, 20, 21, 22, 23, 25, 28];

const STOP: i32 = 19;

#[tokio::test]
async fn each_is_named_and_the_plugin_comes_back() {
    let trial = Trial::of("raises").await;
    let mut restarts = 0;
    let named = FATAL.iter().map(|(number, name)| (*number, format!("signal {number} ({name})")));
    let nameless = REAL_TIME.map(|number| (number, format!("signal {number}")));
    for (number, name) in named.chain(nameless) {
        let pid = trial.pid(BAD).await;
        problem(&trial.get(&format!("/bad/raise/{number}")).await, 502, "plugin-crashed");
        restarts += 1;
        trial.restarted(pid, restarts, &format!("it was ended by {name} (started")).await;
    }
    trial.end().await;
}

#[tokio::test]
async fn some_do_nothing() {
    let trial = Trial::of("raises").await;
    let pid = trial.pid(BAD).await;
    for number in HARMLESS {
        assert_eq!(trial.get(&format!("/bad/raise/{number}")).await.text(), "alive\n", "{number}");
    }
    trial.untouched(pid).await;
    trial.end().await;
}

#[test]
fn no_signal_is_forgotten() {
    let mut all: Vec<i32> = FATAL.iter().map(|(number, _)| *number).chain(HARMLESS).chain([STOP]).collect();
    all.sort_unstable();
    assert_eq!(all, (1..32).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_process_that_stops_itself_is_killed_and_replaced() {
    let trial = Trial::limited("raises", |limits| limits.timeout_ms = SOON).await;
    let pid = trial.pid(BAD).await;
    problem(&trial.get(&format!("/bad/raise/{STOP}")).await, 504, "deadline");
    trial.restarted(pid, 1, "the process answers neither its requests nor pings ").await;
    trial.end().await;
}
