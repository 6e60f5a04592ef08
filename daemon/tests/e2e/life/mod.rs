//! A plugin's life under load, by the real `valorctl`: replaced, restarted, drained, disabled, and what is told of it.

mod apply;
mod events;
mod flat;
mod instances;
mod load;
mod park;
mod reload;
mod replace;

use std::path::PathBuf;

use valor_control::v1::ListRequest;

use crate::artifacts::{built, command};
use crate::client::Spec;
use crate::harness::{PATIENCE, Valord};

/// What the one build answers, and the other.
const RUST: &str = "OK response from a plugin";
const C: &str = "OK response from a plugin in C\n";

fn rust() -> PathBuf {
    built("libhello_plugin.so")
}

fn c() -> PathBuf {
    built("libhello_c_plugin.so")
}

fn runtime() -> PathBuf {
    built("libvalor_test_runtime_plugin.so")
}

/// What came of a run of `valorctl`.
#[derive(Debug)]
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
    pid: u32,
}

impl Ran {
    #[track_caller]
    fn ok(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "{self:?}");
        self.stdout
    }

    #[track_caller]
    fn fails(&self, code: i32, said: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        for text in said {
            assert!(self.stderr.contains(text), "{text:?} is not said: {self:?}");
        }
    }
}

/// Runs the real `valorctl`.
async fn ctl(valord: &Valord, args: &[&str]) -> Ran {
    let mut command = command(built("valorctl"));
    command.args(args).env_clear().env("VALOR_CONTROL", valord.dir.path().join("control.sock"));
    command.stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let run = tokio::task::spawn_blocking(move || {
        let child = command.spawn().unwrap();
        (child.id(), child.wait_with_output().unwrap())
    });
    let (pid, output) = tokio::time::timeout(PATIENCE, run).await.expect("valorctl hangs").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr), pid }
}

/// Beside a neighbour that must never notice.
async fn with(spec: Spec) -> Valord {
    let valord = Valord::start().await;
    valord.register(Spec::new(rust(), "neighbour")).await;
    valord.register(spec).await;
    valord
}

#[track_caller]
fn neighbour_serves(valord: &Valord) -> impl Future<Output = ()> {
    let at = std::panic::Location::caller();
    async move {
        assert_eq!(valord.get("/neighbour").await.text(), RUST, "{at}");
        assert_eq!(valord.plugin("neighbour").await.restarts, 0, "{at}");
    }
}

/// Waits until so many requests are in flight.
async fn until_in_flight(valord: &Valord, name: &str, count: u32) {
    let waiting = async {
        while valord.plugin(name).await.in_flight != count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("they never are");
}

/// How `list` shows a plugin: its state, and how many of its processes serve.
async fn listed(valord: &Valord, name: &str) -> (String, u32, u32) {
    let plugins = valord.control.clone().list(ListRequest {}).await.unwrap().into_inner().plugins;
    let plugin = plugins.into_iter().find(|plugin| plugin.name == name).unwrap();
    (plugin.state, plugin.ready, plugin.wanted)
}
