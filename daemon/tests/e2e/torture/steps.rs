//! Every step of a change in turn is the last one, or fails.

use std::collections::BTreeSet;
use std::io::Write as _;

use tonic::Code;

use super::faulty::Faulty;
use super::{
    Build, Change, Is, KEPT, X, adopt_orphans, bring, files_of, look, register, until_nobody_is_left,
    until_nothing_else_is_kept,
};
use crate::client::{self, Spec};
use crate::daemon::directory;

/// A change has at least so many steps on the disk.
const FEW: usize = 6;

#[tokio::test]
async fn a_registration_is_cut_short_at_every_step() {
    killed_at_every_step(Change::Register).await;
}

#[tokio::test]
async fn a_replacement_is_cut_short_at_every_step() {
    killed_at_every_step(Change::Replace).await;
}

#[tokio::test]
async fn an_unregistration_is_cut_short_at_every_step() {
    killed_at_every_step(Change::Unregister).await;
}

#[tokio::test]
async fn disabling_and_enabling_are_cut_short_at_every_step() {
    killed_at_every_step(Change::Disable).await;
    killed_at_every_step(Change::Enable).await;
}

async fn killed_at_every_step(change: Change) {
    adopt_orphans();
    let dir = directory();
    let state = dir.path().join("state");
    let mut may_be = vec![Is::Absent];
    let mut seen = BTreeSet::new();
    for step in 0.. {
        // This start is the recovery from the crash of the round before.
        let mut valord = Faulty::start(dir.path()).await;
        if step == 0 {
            register(&valord.daemon, KEPT, Build::One, false).await.unwrap();
        }
        let now = look(&valord.daemon, &state, X).await;
        assert!(may_be.contains(&now), "before step {step} of {change:?}: {now:?} instead of {may_be:?}");
        assert_eq!(look(&valord.daemon, &state, KEPT).await, Is::Serving(Build::One));
        until_nothing_else_is_kept(&mut valord.daemon, dir.path(), now).await;
        if step > 0 {
            seen.insert(now);
        }
        bring(&valord.daemon, now, change.before()).await;
        until_nothing_else_is_kept(&mut valord.daemon, dir.path(), change.before()).await;

        valord.order(&format!("kill {step}"));
        let result = change.make(&valord.daemon).await;
        may_be = if result.is_ok() { vec![change.after()] } else { vec![change.before(), change.after()] };
        if result.is_ok() {
            // Some of it is done after the answer.
            until_nothing_else_is_kept(&mut valord.daemon, dir.path(), change.after()).await;
        }
        if !valord.stop().await {
            assert!(result.is_ok(), "{change:?} fails by itself: {result:?}");
            assert!(step >= FEW, "{change:?} has no more than {step} steps");
            break;
        }
        until_nobody_is_left().await;
    }
    assert_eq!(seen, BTreeSet::from([change.before(), change.after()]), "{change:?}");
}

#[tokio::test]
async fn every_step_finds_the_disk_full() {
    fails_at_every_step("ENOSPC", "No space left on device (os error 28)").await;
}

#[tokio::test]
async fn every_step_meets_an_input_output_error() {
    fails_at_every_step("EIO", "Input/output error (os error 5)").await;
}

#[tokio::test]
async fn from_every_step_on_the_disk_is_read_only() {
    fails_at_every_step("EROFS", "Read-only file system (os error 30)").await;
}

async fn fails_at_every_step(errno: &str, said: &str) {
    let dir = directory();
    let state = dir.path().join("state");
    let mut nonsense = tempfile::NamedTempFile::new().unwrap();
    nonsense.write_all(b"no plugin").unwrap();
    let mut valord = Faulty::start(dir.path()).await;
    register(&valord.daemon, KEPT, Build::One, false).await.unwrap();
    let mut now = Is::Absent;
    for change in Change::ALL {
        let mut refused = 0;
        for step in 0.. {
            bring(&valord.daemon, now, change.before()).await;
            until_nothing_else_is_kept(&mut valord.daemon, dir.path(), change.before()).await;

            valord.order(&format!("{errno} {step}"));
            let result = change.make(&valord.daemon).await;
            let steps = valord.order("none");
            let what = format!("{change:?}, {errno} at {:?}: {result:?}", steps.get(step));
            now = match &result {
                Ok(()) => change.after(),
                Err(status) => {
                    refused += 1;
                    assert!(status.message().contains(said), "{what}");
                    let full = errno == "ENOSPC" && !status.message().contains("cannot be put back");
                    let code = if full { Code::ResourceExhausted } else { Code::Internal };
                    assert_eq!(status.code(), code, "{what}");
                    change.before()
                }
            };
            let undecided =
                result.as_ref().is_err_and(|status| status.message().contains("cannot be put back"));
            let left = now == Is::Absent
                && ["plugins/x.gone", "data/x"].into_iter().any(|name| state.join(name).exists());
            if undecided || left {
                // The next start is to decide, or to finish it.
                assert!(!valord.stop().await);
                valord = Faulty::start(dir.path()).await;
                let decided = look(&valord.daemon, &state, X).await;
                assert!(decided == now || undecided && decided == change.after(), "{what}: {decided:?}");
                now = decided;
            }
            assert_eq!(look(&valord.daemon, &state, X).await, now, "{what}");
            assert_eq!(look(&valord.daemon, &state, KEPT).await, Is::Serving(Build::One), "{what}");
            // What could not be removed then is removed with the next change, or the next attempt at one.
            let nonsense = Spec::new(nonsense.path(), "nonsense");
            client::register(valord.daemon.control.clone(), nonsense).await.unwrap_err();
            until_nothing_else_is_kept(&mut valord.daemon, dir.path(), now).await;
            assert_eq!(super::files(dir.path()), files_of(now), "{what}");
            if steps.len() <= step {
                assert!(result.is_ok(), "{what}");
                break;
            }
        }
        assert!(refused > 0, "{change:?} is never refused");
    }
    // And it comes back as it was.
    assert!(!valord.stop().await);
    let valord = Faulty::start(dir.path()).await;
    assert_eq!(look(&valord.daemon, &state, X).await, now);
}
