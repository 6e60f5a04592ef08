//! Machine code is made of a module, and valord is killed, or its disk fails, at every step of it: it is there whole, or not at all.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::Duration;

use sha2::Digest as _;
use tonic::{Code, Status};
use valor_control::v1::{ListRequest, UnregisterRequest};

use super::faulty::Faulty;
use super::random::{Victim, seeded};
use super::{adopt_orphans, files, until_nobody_is_left};
use crate::client::{self, Spec};
use crate::daemon::{Daemon, directory};
use crate::harness::PATIENCE;
use crate::wasm::small;

const X: &str = "x";

/// A registration of a module has at least so many steps on the disk.
const FEW: usize = 10;

/// At random.
const SOME: u32 = 10;

async fn register(daemon: &Daemon, module: &Path) -> Result<(), Status> {
    let registered = client::register(daemon.control.clone(), Spec::new(module, X));
    tokio::time::timeout(PATIENCE, registered).await.expect("a registration is not answered").map(drop)
}

async fn try_unregister(daemon: &Daemon) -> Result<(), Status> {
    daemon.control.clone().unregister(UnregisterRequest { name: X.to_owned() }).await.map(drop)
}

async fn unregister(daemon: &Daemon) {
    try_unregister(daemon).await.unwrap();
}

/// Whether it is registered and serves, as the API and HTTP say with one voice.
async fn serves(daemon: &Daemon) -> bool {
    let plugins = daemon.control.clone().list(ListRequest {}).await.unwrap().into_inner().plugins;
    let request = client::request("GET", "/x", "");
    let answer = client::whole(client::send(daemon.address, request).await.unwrap()).await.unwrap();
    let Some(plugin) = plugins.first() else {
        assert_eq!(answer.status, 404, "{answer:?}");
        return false;
    };
    assert_eq!(plugin.state, "ready", "{plugin:?}");
    assert!(answer.status == 200 && answer.text().starts_with('n'), "{answer:?}");
    true
}

/// Waits until the disk has what is needed and nothing else, one product among it where there is a module; or until valord has ended.
async fn until_kept(daemon: &mut Daemon, dir: &Path, module: Option<&Path>) {
    let content = module.map(|module| std::fs::read(module).unwrap()).unwrap_or_default();
    let sha256: String = sha2::Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut wanted = BTreeSet::from(["control.sock", "run/lock", "run/root"].map(str::to_owned));
    if module.is_some() {
        wanted.extend([format!("artifacts/{sha256}"), format!("plugins/{X}.json"), format!("data/{X}")]);
    }
    let is_so = || {
        let (products, others): (BTreeSet<_>, BTreeSet<_>) =
            files(dir).into_iter().partition(|file| file.starts_with("products/"));
        let own = |product: &String| product.starts_with(&format!("products/{sha256}."));
        others == wanted && products.len() == usize::from(module.is_some()) && products.iter().all(own)
    };
    let waiting = async {
        while !is_so() && !daemon.has_ended() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let kept = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(kept.is_ok(), "there is {:?}, and not one product and {wanted:?}", files(dir));
}

#[tokio::test]
async fn a_registration_of_a_module_is_cut_short_at_every_step() {
    adopt_orphans();
    let dir = directory();
    let (_shop, module) = small();
    let (mut may_be, mut seen) = (vec![false], BTreeSet::new());
    for step in 0.. {
        // This start is the recovery from the crash of the round before.
        let mut valord = Faulty::start(dir.path()).await;
        let now = serves(&valord.daemon).await;
        assert!(may_be.contains(&now), "before step {step}: {now:?} instead of {may_be:?}");
        until_kept(&mut valord.daemon, dir.path(), now.then_some(&*module)).await;
        seen.insert(now);
        if now {
            unregister(&valord.daemon).await;
            until_kept(&mut valord.daemon, dir.path(), None).await;
        }
        valord.order(&format!("kill {step}"));
        let result = register(&valord.daemon, &module).await;
        may_be = if result.is_ok() { vec![true] } else { vec![false, true] };
        if result.is_ok() {
            until_kept(&mut valord.daemon, dir.path(), Some(&module)).await;
        }
        if !valord.stop().await {
            assert!(result.is_ok(), "it fails by itself: {result:?}");
            assert!(step >= FEW, "it has no more than {step} steps");
            break;
        }
        until_nobody_is_left().await;
    }
    assert_eq!(seen, BTreeSet::from([false, true]), "both ends are seen");
}

#[tokio::test]
async fn a_registration_of_a_module_meets_an_error_at_every_step() {
    let dir = directory();
    let (_shop, module) = small();
    let mut nonsense = tempfile::NamedTempFile::new().unwrap();
    nonsense.write_all(b"no plugin").unwrap();
    let left = ["plugins/x.gone", "data/x"].map(|path| dir.path().join("state").join(path));
    let mut valord = Faulty::start(dir.path()).await;
    for errno in ["ENOSPC", "EIO", "EROFS"] {
        let mut refused = 0;
        for step in 0.. {
            valord.order(&format!("{errno} {step}"));
            let result = register(&valord.daemon, &module).await;
            let steps = valord.order("none");
            let what = format!("{errno} at {:?}: {result:?}", steps.get(step));
            let mut undecided = false;
            if let Err(status) = &result {
                refused += 1;
                undecided = status.message().contains("cannot be put back");
                let full = errno == "ENOSPC" && !undecided;
                let code = if full { Code::ResourceExhausted } else { Code::Internal };
                assert_eq!(status.code(), code, "{what}");
                if undecided || left.iter().any(|path| path.exists()) {
                    // The next start is to decide, or to finish it.
                    assert!(!valord.stop().await);
                    valord = Faulty::start(dir.path()).await;
                }
            }
            let now = serves(&valord.daemon).await;
            assert!(now == result.is_ok() || undecided, "{what}");
            if now {
                unregister(&valord.daemon).await;
            }
            // What could not be removed then is removed with the next attempt at a change.
            let nonsense = Spec::new(nonsense.path(), "nonsense");
            client::register(valord.daemon.control.clone(), nonsense).await.unwrap_err();
            until_kept(&mut valord.daemon, dir.path(), None).await;
            if steps.len() <= step {
                assert!(now, "{what}");
                break;
            }
        }
        assert!(refused >= FEW, "only {refused} steps can fail of {errno}");
    }
    assert!(!valord.stop().await);
}

#[tokio::test]
async fn whoever_is_killed_while_a_module_comes_or_goes_it_is_there_whole_or_not_at_all() {
    let (mut random, rounds) = seeded(SOME);
    adopt_orphans();
    let dir = directory();
    let (_shop, module) = small();
    let mut valord = Faulty::start(dir.path()).await;
    let mut is = false;
    for round in 0..rounds {
        let victim = Victim::any(&mut random);
        victim.aim(&mut valord);
        let change = async {
            match is {
                false => register(&valord.daemon, &module).await.is_ok(),
                true => try_unregister(&valord.daemon).await.is_ok(),
            }
        };
        let (done, ()) = tokio::join!(change, victim.dies(&valord.daemon, &mut random));
        let what = format!("round {round}: registered {is}, {victim:?}, done {done}");
        let killed;
        (valord, killed) = victim.over(valord, dir.path()).await;
        let may_be = match (done, killed) {
            (true, _) => vec![!is],
            (false, true) => vec![is, !is],
            (false, false) => vec![is],
        };
        is = serves(&valord.daemon).await;
        assert!(may_be.contains(&is), "{what}: {is} instead of {may_be:?}");
        until_kept(&mut valord.daemon, dir.path(), is.then_some(&*module)).await;
    }
    assert!(!valord.stop().await);
    until_nobody_is_left().await;
}

#[tokio::test]
async fn a_start_that_compiles_is_cut_short_at_every_step() {
    adopt_orphans();
    let dir = directory();
    let (_shop, module) = small();
    let products = dir.path().join("state/products");
    let mut valord = Faulty::start(dir.path()).await;
    register(&valord.daemon, &module).await.unwrap();
    until_kept(&mut valord.daemon, dir.path(), Some(&module)).await;
    valord.kill().await;
    until_nobody_is_left().await;
    for step in 0.. {
        // By turns it is gone, and damaged, beside what a crash has left.
        let product = std::fs::read_dir(&products).unwrap().map(|entry| entry.unwrap().path()).last();
        if let Some(product) = product {
            std::fs::remove_file(&product).unwrap();
            if step % 2 == 1 {
                std::fs::write(&product, "not what it was").unwrap();
            }
        }
        std::fs::write(products.join(".tmp-half"), "half").unwrap();
        let fired = match Faulty::try_start(dir.path(), &format!("kill {step}")).await {
            Ok(mut valord) => {
                assert!(serves(&valord.daemon).await, "step {step}");
                until_kept(&mut valord.daemon, dir.path(), Some(&module)).await;
                assert!(!valord.stop().await);
                false
            }
            Err(status) => {
                assert_eq!(status.signal(), Some(9), "step {step}: {status}");
                true
            }
        };
        until_nobody_is_left().await;
        if !fired {
            assert!(step >= FEW, "such a start has no more than {step} steps");
            break;
        }
    }
}
