//! A start that is cut short, or fails, at every step, over what another crash has left.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use super::faulty::Faulty;
use super::{
    Build, Is, KEPT, X, adopt_orphans, files, files_of, look, register, until_nobody_is_left,
    until_nothing_else_is_kept,
};
use crate::daemon::directory;

#[tokio::test]
async fn a_start_is_cut_short_at_every_step() {
    every_step_of_a_start("kill").await;
}

#[tokio::test]
async fn a_start_meets_an_error_at_every_step() {
    every_step_of_a_start("EIO").await;
}

#[tokio::test]
async fn a_start_finds_a_read_only_disk_from_every_step_on() {
    every_step_of_a_start("EROFS").await;
}

async fn every_step_of_a_start(fault: &str) {
    adopt_orphans();
    let dir = directory();
    let state = dir.path().join("state");
    let valord = Faulty::start(dir.path()).await;
    register(&valord.daemon, KEPT, Build::One, false).await.unwrap();
    register(&valord.daemon, X, Build::Other, false).await.unwrap();
    let there = Is::Serving(Build::Other);
    valord.kill().await;
    let mut failed = 0;
    for step in 0.. {
        litter(&state);
        let fired = match Faulty::try_start(dir.path(), &format!("{fault} {step}")).await {
            Ok(mut valord) => {
                let fired = valord.order("none").len() > step;
                valord.kill().await;
                fired
            }
            Err(status) => {
                failed += 1;
                let expected = if fault == "kill" { (None, Some(9)) } else { (Some(1), None) };
                assert_eq!((status.code(), status.signal()), expected, "step {step}");
                true
            }
        };
        until_nobody_is_left().await;
        // An error is told and leaves all as it was, so that one look in the end is enough.
        if fault == "kill" || !fired {
            let mut valord = Faulty::start(dir.path()).await;
            assert_eq!(look(&valord.daemon, &state, X).await, there, "after {fault} at step {step}");
            assert_eq!(look(&valord.daemon, &state, KEPT).await, Is::Serving(Build::One));
            until_nothing_else_is_kept(&mut valord.daemon, dir.path(), there).await;
            assert_eq!(files(dir.path()), files_of(there), "after {fault} at step {step}");
            valord.kill().await;
            until_nobody_is_left().await;
        }
        if !fired {
            break;
        }
    }
    assert!(failed >= 8, "only {failed} steps of a start can fail");
}

/// What crashes leave: files that are not finished, an artifact that nobody needs, data of a registration that never came to be
/// and of one that is gone.
fn litter(state: &Path) {
    fs::write(state.join("artifacts/.tmp-half"), "half").unwrap();
    fs::write(state.join("plugins/.tmp-half"), "half").unwrap();
    fs::write(state.join("artifacts").join("f".repeat(64)), "nobody's").unwrap();
    fs::create_dir_all(state.join("data/never")).unwrap();
    fs::create_dir_all(state.join("data/gone/full")).unwrap();
    fs::write(state.join("plugins/gone.gone"), "{}").unwrap();
}
