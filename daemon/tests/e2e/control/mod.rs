//! The control API under attack: each time the exact answer, a registry that is what it was, and a neighbour that
//! answers HTTP all the while.

mod call;
mod calls;
mod crowd;
mod fields;
mod floods;
mod process;
mod raw;
mod strangers;
mod uploads;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinHandle;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use valor_control::v1::{ListRequest, RoutesRequest};

use crate::artifacts::built;
use crate::client::{self, Spec};
use crate::harness::{PATIENCE, Valord};

/// A daemon with a neighbour that is asked over HTTP until the end.
struct Siege {
    valord: Valord,
    before: State,
    over: Arc<AtomicBool>,
    asking: JoinHandle<usize>,
}

/// What must not change.
#[derive(Debug, PartialEq)]
struct State {
    plugins: Vec<(String, String, u64)>,
    routes: Vec<(String, String)>,
    files: Vec<PathBuf>,
}

impl Siege {
    async fn start() -> Self {
        let valord = Valord::start().await;
        valord.register(Spec::new(built("libhello_c_plugin.so"), "neighbour")).await;
        let before = State::of(&valord).await;
        let (over, address) = (Arc::new(AtomicBool::new(false)), valord.address);
        let enough = Arc::clone(&over);
        let asking = tokio::spawn(async move {
            let mut answers = 0;
            while answers == 0 || !enough.load(Ordering::Relaxed) {
                let response = client::send(address, client::request("GET", "/neighbour", "")).await.unwrap();
                assert_eq!(response.status(), 200);
                client::whole(response).await.unwrap();
                answers += 1;
                // It shall not take the processor from what is tested.
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
            answers
        });
        Self { valord, before, over, asking }
    }

    fn socket(&self) -> PathBuf {
        self.valord.dir.path().join("control.sock")
    }

    /// Nothing has changed, and an honest caller is served.
    async fn unchanged(&self, after: &str) {
        // What was begun is put away by tasks of their own.
        let settled = async {
            loop {
                let now = State::of(&self.valord).await;
                if now == self.before {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, settled).await.is_err() {
            assert_eq!(State::of(&self.valord).await, self.before, "after {after}");
        }
    }

    /// Ends it: the neighbour has answered all the while, from the process that it had.
    async fn end(self) {
        self.unchanged("all of it").await;
        self.over.store(true, Ordering::Relaxed);
        let answers =
            tokio::time::timeout(PATIENCE, self.asking).await.expect("the neighbour hangs").unwrap();
        assert!(answers > 0);
        assert_eq!(self.valord.plugin("neighbour").await.restarts, 0);
        self.valord.stop().await;
    }
}

impl State {
    async fn of(valord: &Valord) -> Self {
        let mut control = valord.control.clone();
        let plugins = control.list(ListRequest {}).await.unwrap().into_inner().plugins;
        let routes = control.routes(RoutesRequest {}).await.unwrap().into_inner().routes;
        let state = valord.dir.path().join("state");
        let mut files: Vec<PathBuf> = ["artifacts", "plugins", "data"]
            .iter()
            .filter_map(|dir| std::fs::read_dir(state.join(dir)).ok())
            .flat_map(|dir| dir.map(|entry| entry.unwrap().path()))
            .collect();
        files.sort();
        Self {
            plugins: plugins.into_iter().map(|plugin| (plugin.name, plugin.state, plugin.restarts)).collect(),
            routes: routes.into_iter().map(|route| (route.prefix, route.plugin)).collect(),
            files,
        }
    }
}

/// Code and reason of a refusal; each has a step, too.
#[track_caller]
fn refused(status: &Status, code: Code, reason: &str, step: &str) {
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("no details: {status:?}"));
    let said = (status.code(), info.reason.as_str(), info.metadata.get("step").map_or("", String::as_str));
    assert_eq!(said, (code, reason, step), "{status:?}");
}
