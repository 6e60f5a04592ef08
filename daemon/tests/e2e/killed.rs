//! Killed in the middle of changes: of each there is all or nothing afterwards, and what was answered is there.

use std::collections::BTreeSet;
use std::path::Path;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use nix::sys::signal::Signal;
use serde_json::json;
use sha2::Digest as _;
use valor_control::v1::{ListRequest, Plugin};

use crate::artifacts::built;
use crate::client::{self, Spec};
use crate::daemon::{Daemon, directory};
use crate::harness::{PATIENCE, until_gone};

async fn plugins(daemon: &Daemon) -> Vec<Plugin> {
    daemon.control.clone().list(ListRequest {}).await.unwrap().into_inner().plugins
}

/// Waits until no plugin is on its way any more; none may have failed.
async fn until_all_serve(daemon: &Daemon) -> Vec<Plugin> {
    let waiting = async {
        loop {
            let all = plugins(daemon).await;
            let bad = all.iter().find(|plugin| !["ready", "starting"].contains(&&*plugin.state));
            assert!(bad.is_none(), "{bad:?}");
            if all.iter().all(|plugin| plugin.state == "ready") {
                return all;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("not all come back")
}

/// The artifacts are those that the plugins need, each is whole, and nothing is unfinished.
async fn until_nothing_else_is_kept(state: &Path, all: &[Plugin]) {
    let names = |dir: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(state.join(dir)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let needed: BTreeSet<String> = all.iter().map(|plugin| plugin.sha256.clone()).collect();
    let waiting = async {
        while names("artifacts") != needed {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
        assert_eq!(names("artifacts"), needed);
    }
    for hash in &needed {
        let bytes = std::fs::read(state.join("artifacts").join(hash)).unwrap();
        let found: String = sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, *hash);
    }
    let files: BTreeSet<String> = all.iter().map(|plugin| format!("{}.json", plugin.name)).collect();
    assert_eq!(names("plugins"), files);
    assert_eq!(names("data"), all.iter().map(|plugin| plugin.name.clone()).collect());
}

#[tokio::test]
async fn of_every_change_there_is_all_or_nothing() {
    let dir = directory();
    let state = dir.path().join("state");
    let mut answered = BTreeSet::new();
    // The last greeting that was answered for.
    let mut greeting = None;
    for round in 0..5 {
        let mut daemon = Daemon::start(dir.path()).await;
        let all = until_all_serve(&daemon).await;
        let names: BTreeSet<String> = all.iter().map(|plugin| plugin.name.clone()).collect();
        assert!(answered.is_subset(&names), "{answered:?} were there, and now are {names:?}");
        until_nothing_else_is_kept(&state, &all).await;
        if let Some(last) = greeting {
            let request = client::request("GET", "/greeter?who=you", "");
            let answer = client::send(daemon.address, request).await.unwrap();
            let text = client::whole(answer).await.unwrap().text().to_owned();
            // That one, or one that was under way later.
            let mut expected = (last..round).map(|round| format!("v{round} says hello you!"));
            assert!(expected.any(|expected| expected == text), "{text} instead of v{last} or later");
        }

        let hello = built("libhello_c_plugin.so");
        let greeter = Spec::new(built("libwith_state_plugin.so"), "greeter");
        let mut changes: Vec<Spec> =
            (0..4).map(|n| Spec::new(&hello, &format!("hello-{round}-{n}"))).collect();
        changes.insert(round % 3, greeter.config(&json!(format!("v{round}"))).replace());
        let mut under_way: FuturesUnordered<_> = changes
            .into_iter()
            .map(|spec| tokio::spawn(client::register(daemon.control.clone(), spec)))
            .collect();
        // After as many answers as rounds, the others are somewhere.
        for _ in 0..round {
            let plugin = under_way.next().await.unwrap().unwrap().unwrap().plugin.unwrap();
            if plugin.name == "greeter" {
                greeting = Some(round);
            }
            answered.insert(plugin.name);
        }
        let processes = daemon.processes();
        daemon.signal(Signal::SIGKILL);
        daemon.end().await;
        for pid in processes {
            until_gone(pid).await;
        }
    }
    assert!(answered.len() >= 6, "{answered:?}");
}
