//! Prefixes change hands, and valord is killed, or its disk fails, at every step of it, and at random: all have moved, or none has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tonic::{Code, Status};
use valor_control::v1::{ListRequest, MoveRequest, Place, PluginSpec};

use super::faulty::Faulty;
use super::random::{Victim, seeded};
use super::{Build, adopt_orphans, files, until_nobody_is_left, until_only};
use crate::client::{self, Spec};
use crate::daemon::{Daemon, directory};
use crate::harness::PATIENCE;

const FEW: u32 = 8;

/// The names are fixed; each has one of as many prefixes.
const NAMES: [&str; 3] = ["a", "b", "c"];
const PREFIXES: [&str; 3] = ["/x", "/y/y", "/z"];

/// Who has which prefix, by name: all in their own places, two of them swapped, and all one further.
type Places = [usize; 3];
const HOME: Places = [0, 1, 2];
const ALL: [Places; 4] = [HOME, [1, 0, 2], [1, 2, 0], [2, 0, 1]];

/// What there is, as the API, the state files and HTTP say with one voice.
async fn look(daemon: &Daemon, state: &Path) -> Places {
    let plugins = daemon.control.clone().list(ListRequest {}).await.unwrap().into_inner().plugins;
    let listed: BTreeMap<_, _> = plugins.into_iter().map(|plugin| (plugin.name.clone(), plugin)).collect();
    assert_eq!(listed.keys().collect::<Vec<_>>(), NAMES);
    let mut found = HOME;
    for (name, place) in NAMES.into_iter().zip(&mut found) {
        let plugin = &listed[name];
        assert_eq!(plugin.state, "ready", "{plugin:?}");
        *place = PREFIXES.iter().position(|prefix| *prefix == plugin.prefix).unwrap();
        let file = std::fs::read_to_string(state.join("plugins").join(format!("{name}.json"))).unwrap();
        let file: serde_json::Value = serde_json::from_str(&file).unwrap();
        assert_eq!(file["prefix"], plugin.prefix, "{name}");
        let request = client::request("GET", &format!("{}/ok", plugin.prefix), "");
        let answer = client::whole(client::send(daemon.address, request).await.unwrap()).await.unwrap();
        assert_eq!((answer.status, answer.text()), (200, Build::One.answer()), "{name}");
        assert_eq!(answer.headers["x-valor-plugin"], name, "{}", plugin.prefix);
    }
    found
}

/// What the disk has when nothing is under way.
fn wanted() -> BTreeSet<String> {
    let mut files = BTreeSet::from(["control.sock", "run/lock", "run/root"].map(str::to_owned));
    files.insert(format!("artifacts/{}", Build::One.sha256()));
    files.extend(NAMES.iter().flat_map(|name| [format!("plugins/{name}.json"), format!("data/{name}")]));
    files
}

async fn register_all(daemon: &Daemon) {
    for (name, prefix) in NAMES.into_iter().zip(PREFIXES) {
        let at = |spec: &mut PluginSpec| spec.prefix = prefix.to_owned();
        let spec = Spec::new(Build::One.file(), name).change(at);
        client::register(daemon.control.clone(), spec).await.unwrap();
    }
}

async fn relocate(daemon: &Daemon, now: Places, to: Places) -> Result<(), Status> {
    let moved = NAMES.iter().zip(now.iter().zip(to)).filter(|(_, (now, to))| *now != to);
    let place = |name: &str, to: usize| Place { name: name.to_owned(), prefix: PREFIXES[to].to_owned() };
    let places = moved.map(|(name, (_, to))| place(name, to)).collect();
    let mut control = daemon.control.clone();
    let change = control.r#move(MoveRequest { places });
    tokio::time::timeout(PATIENCE, change).await.expect("a move is not answered").map(drop)
}

#[tokio::test]
async fn a_move_is_cut_short_at_every_step() {
    adopt_orphans();
    let dir = directory();
    let state = dir.path().join("state");
    let (mut may_be, mut seen) = (vec![HOME], BTreeSet::new());
    for step in 0.. {
        // This start is the recovery from the crash of the round before.
        let mut valord = Faulty::start(dir.path()).await;
        if step == 0 {
            register_all(&valord.daemon).await;
        }
        let now = look(&valord.daemon, &state).await;
        assert!(may_be.contains(&now), "before step {step}: {now:?} instead of {may_be:?}");
        until_only(&mut valord.daemon, dir.path(), &wanted()).await;
        if step > 0 {
            seen.insert(now == may_be[0]);
        }
        let to = if now == HOME { ALL[2] } else { HOME };
        valord.order(&format!("kill {step}"));
        let result = relocate(&valord.daemon, now, to).await;
        may_be = if result.is_ok() { vec![to] } else { vec![now, to] };
        if !valord.stop().await {
            assert!(result.is_ok(), "it fails by itself: {result:?}");
            assert!(step >= 12, "a move of three has no more than {step} steps");
            break;
        }
        until_nobody_is_left().await;
    }
    assert_eq!(seen, BTreeSet::from([false, true]), "both ends are seen");
}

#[tokio::test]
async fn a_move_meets_an_error_at_every_step() {
    let dir = directory();
    let state = dir.path().join("state");
    let mut valord = Faulty::start(dir.path()).await;
    register_all(&valord.daemon).await;
    let mut now = HOME;
    for errno in ["ENOSPC", "EIO", "EROFS"] {
        let mut refused = 0;
        for step in 0.. {
            let to = if now == HOME { ALL[2] } else { HOME };
            valord.order(&format!("{errno} {step}"));
            let result = relocate(&valord.daemon, now, to).await;
            let steps = valord.order("none");
            let what = format!("{errno} at {:?}: {result:?}", steps.get(step));
            let Err(status) = &result else {
                assert_eq!(look(&valord.daemon, &state).await, to, "{what}");
                now = to;
                // The last step of all was reached without an error.
                assert!(steps.len() <= step, "{what} of {steps:?}");
                break;
            };
            refused += 1;
            if status.message().contains("cannot be put back") {
                // The next start is to decide.
                assert!(!valord.stop().await);
                valord = Faulty::start(dir.path()).await;
                let decided = look(&valord.daemon, &state).await;
                assert!([now, to].contains(&decided), "{what}: {decided:?}");
                now = decided;
            } else {
                let full = errno == "ENOSPC";
                assert_eq!(
                    status.code(),
                    if full { Code::ResourceExhausted } else { Code::Internal },
                    "{what}"
                );
                assert_eq!(look(&valord.daemon, &state).await, now, "{what}");
            }
            until_only(&mut valord.daemon, dir.path(), &wanted()).await;
        }
        assert!(refused >= 12, "only {refused} steps of a move can fail of {errno}");
    }
    assert!(!valord.stop().await);
}

#[tokio::test]
async fn whoever_is_killed_all_have_moved_or_none() {
    let (mut random, rounds) = seeded(FEW);
    adopt_orphans();
    let dir = directory();
    let state = dir.path().join("state");
    let mut valord = Faulty::start(dir.path()).await;
    register_all(&valord.daemon).await;
    let mut now = HOME;
    for round in 0..rounds {
        let others: Vec<_> = ALL.into_iter().filter(|to| *to != now).collect();
        let to = random.choice(others).unwrap();
        let victim = Victim::any(&mut random);
        let what = format!("round {round}: {now:?} to {to:?}, {victim:?}");
        victim.aim(&mut valord);
        let (result, ()) =
            tokio::join!(relocate(&valord.daemon, now, to), victim.dies(&valord.daemon, &mut random));
        let killed;
        (valord, killed) = victim.over(valord, dir.path()).await;
        let may_be = match (&result, killed) {
            (Ok(()), _) => vec![to],
            (Err(_), true) => vec![now, to],
            (Err(_), false) => vec![now],
        };
        now = look(&valord.daemon, &state).await;
        assert!(may_be.contains(&now), "{what}: {now:?} instead of {may_be:?}; {result:?}");
        until_only(&mut valord.daemon, dir.path(), &wanted()).await;
    }
    assert!(!valord.stop().await);
    until_nobody_is_left().await;
    assert_eq!(files(dir.path()).len() + 1, wanted().len(), "the control socket is gone, and nothing else");
}
