//! Plugins that say too much, or what nobody should see.

use std::io::Write;
use std::sync::{Arc, Mutex};

use super::trial::{BAD, SOON, Trial, problem};

const HUNG: &str = "the process answers neither its requests nor pings";

/// What is kept of a log, at most.
async fn bounded(trial: &Trial) {
    let lines = trial.inspect(BAD).await.log;
    let bytes: usize = lines.iter().map(|line| line.message.len()).sum();
    assert!(lines.len() <= 1000 && bytes <= 1 << 20, "{} lines, {bytes} bytes", lines.len());
}

#[tokio::test]
async fn floods_are_cut_and_counted() {
    let trial = Trial::start().await;
    for (act, said) in [
        ("stdout_flood", "bytes of stdout were dropped: a plugin may write 256 KiB a second"),
        ("stderr_flood", "bytes of stderr were dropped: a plugin may write 256 KiB a second"),
        ("endless_line", "bytes of stderr were dropped: a plugin may write 256 KiB a second"),
    ] {
        trial.bring_as(act, |limits| limits.timeout_ms = 5 * SOON).await;
        // A machine that is busy enough may take a few rounds until more comes than may be written.
        for round in 1.. {
            let pid = trial.pid(BAD).await;
            problem(&trial.get("/bad/act").await, 504, "deadline");
            trial.restarted(pid, round, HUNG).await;
            let log = trial.log(BAD).await;
            if log.contains(said) {
                break;
            }
            assert!(round < 10, "{act}: {log:.2000}");
        }
        bounded(&trial).await;
    }
    // The last words before the endless line, which is kept to its bound.
    let log = trial.log(BAD).await;
    assert!(log.starts_with("stderr info the last words\nstderr info xxxx"), "{log:.100}");
    assert!(log.lines().all(|line| line.len() < 9000));
    trial.end().await;
}

/// The shim itself holds back what the daemon would end the process for.
#[tokio::test]
async fn a_flood_of_the_hosts_log_loses_lines() {
    let trial = Trial::limited("log_flood", |limits| limits.timeout_ms = SOON).await;
    let pid = trial.pid(BAD).await;
    problem(&trial.get("/bad/act").await, 504, "deadline");
    trial.restarted(pid, 1, HUNG).await;
    bounded(&trial).await;
    trial.end().await;
}

#[tokio::test]
async fn nothing_that_a_terminal_would_obey_is_kept() {
    let trial = Trial::of("prints_binary").await;
    let pid = trial.pid(BAD).await;
    problem(&trial.get("/bad/act").await, 500, "plugin-failed");
    let evil = r"\u{1b}[2J\u{1b}]0;owned\u{7}\r\u{202e}valord error it is quarantined\u{9b}";
    let mut log = String::new();
    for line in [
        format!("stdout info {evil}\n"),
        format!("stderr info {evil}\n"),
        format!("log error {evil}\\n\n"),
        format!("log warn a request was aborted: {evil}\\n\n"),
    ] {
        log = trial.until_logged(BAD, &line).await;
    }
    assert!(!log.contains(|c: char| c.is_control() && !"\n\t".contains(c)), "{log:?}");
    assert!(!log.lines().any(|line| line.starts_with("valord error")), "{log}");
    trial.untouched(pid).await;
    trial.end().await;
}

/// What the daemon writes down of fetches is bounded, too, and says what is missing.
#[tokio::test]
async fn fetches_without_end_do_not_flood_the_daemons_own_log() {
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);
    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    impl Kept {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }
    let kept = Kept::default();
    let writer = kept.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    // For all threads of this process, which is this test's own.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let began = std::time::Instant::now();
    let trial = Trial::of("fetches_without_end").await;
    let pid = trial.pid(BAD).await;
    let told = async {
        let mut refused = 0;
        while refused < 10_000 || !kept.text().contains("fetches were not written down") {
            refused = trial.get("/bad/act").await.text().parse().unwrap();
        }
    };
    tokio::time::timeout(crate::harness::PATIENCE, told).await.expect("nobody says what is missing");
    trial.untouched(pid).await;
    let text = kept.text();
    let written = text.lines().filter(|line| line.contains("egress")).count();
    let most = 2 * (200 + 20 * usize::try_from(began.elapsed().as_secs() + 1).unwrap());
    assert!((100..=most).contains(&written), "{written} of {most}\n{text:.3000}");
    trial.end().await;
}
