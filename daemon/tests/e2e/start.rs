//! Plugins that do not start: the message names the step and the cure, and nothing of them stays.

use std::time::Duration;

use serde_json::json;
use tonic_types::StatusExt as _;

use crate::artifacts::{built, misbehave};
use crate::client::Spec;
use crate::ctl::valorctl;
use crate::daemon::{Daemon, directory};
use crate::harness::Valord;
use crate::listing::{listing, until_as_before};
use crate::neighbour::Neighbour;

/// The words of a cure, which both ends of the table below share.
const ENDED: &str = "neither a constructor of the library nor `on_create` may end the process";
const SLOW: &str = "takes too long: move the work into a task";
const CREATE: &str = "see what it said at the end, and the plugin's --config";
const FORGED: &str = "the plugin has written to valord's own socket: do not trust it";

#[tokio::test]
async fn each_failure_names_its_step_and_leaves_nothing() {
    let valord = Valord::start().await;
    let neighbour = Neighbour::register(valord.control.clone(), valord.address).await;
    let state = valord.dir.path().join("state");
    let before = listing(&state);
    let runtime = built("libvalor_test_runtime_plugin.so");
    let act = |name: &str| Spec::new(misbehave(name), "x");
    let create = |how: &str| Spec::new(&runtime, "x").config(&json!({ "create": how }));
    for (spec, step, said, cure) in [
        (
            act("newer_abi"),
            "abi",
            "the plugin was built for ABI version 2, valor-shim",
            "SDK of this release",
        ),
        (act("constructor_exits"), "create", "the process has ended: it exited with code 0", ENDED),
        (
            act("constructor_crashes"),
            "create",
            "the process has ended: it was ended by signal 11 (SIGSEGV)",
            ENDED,
        ),
        (
            act("constructor_forges_report"),
            "create",
            "after the start it must say whether it is ready, and nothing else",
            FORGED,
        ),
        (act("create_fails"), "create", "no database", CREATE),
        (act("create_exits"), "create", "the process has ended: it exited with code 0", ENDED),
        (create("fail"), "create", "told to fail", CREATE),
        (create("panic"), "create", "told to panic", CREATE),
        (Spec::new(built("libwith_state_plugin.so"), "x"), "create", "--config", CREATE),
        // It wants a text.
        (
            Spec::new(built("libwith_state_plugin.so"), "x").config(&json!({"who": 1})),
            "create",
            "expected a string",
            CREATE,
        ),
    ] {
        let what = format!("{spec:?}");
        let status = valord.try_register(spec).await.expect_err(&what);
        let message = status.message();
        assert!(message.contains(said), "{what}: {message}");
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.metadata["step"], step, "{what}: {message}");
        assert!(info.metadata["cure"].contains(cure), "{what}: {}", info.metadata["cure"]);
        assert_eq!(status.code(), tonic::Code::Unknown, "{what}: {message}");
        assert_eq!(valord.names().await, ["neighbour"], "{what}");
        assert_eq!(valord.get("/x").await.status, 404);
        until_as_before(&state, &before).await;
    }
    neighbour.was_served().await;
    valord.register(Spec::new(built("libhello_plugin.so"), "x")).await;
    assert_eq!(valord.get("/x").await.status, 200, "the name and the prefix are free");
    valord.stop().await;
}

#[tokio::test]
async fn those_that_hang_are_ended_at_the_deadline() {
    let valord = Valord::start_with(|app| app.supervisor.start_deadline = Duration::from_secs(6)).await;
    let neighbour = Neighbour::register(valord.control.clone(), valord.address).await;
    let state = valord.dir.path().join("state");
    let before = listing(&state);
    let late = "the plugin was not ready within 6s";
    let runtime = Spec::new(built("libvalor_test_runtime_plugin.so"), "runtime");
    let all = [
        (Spec::new(misbehave("constructor_hangs"), "constructor"), "create", late, SLOW),
        (Spec::new(misbehave("create_hangs"), "create"), "create", late, SLOW),
        (runtime.config(&json!({ "create": "hang" })), "create", late, SLOW),
        (
            Spec::new(misbehave("create_forges_ready"), "forges"),
            "ping",
            "the plugin has not answered the first ping within ",
            "see what the plugin said at the end",
        ),
    ];
    let daemon = &valord;
    let all = all.map(|(spec, step, said, cure)| async move {
        let status = daemon.try_register(spec).await.unwrap_err();
        assert!(status.message().contains(said), "{status}");
        let info = status.get_details_error_info().unwrap();
        assert_eq!((&*info.reason, &*info.metadata["step"]), ("START_TIMED_OUT", step), "{status}");
        assert!(info.metadata["cure"].contains(cure), "{status}");
    });
    futures_util::future::join_all(all).await;
    until_as_before(&state, &before).await;
    assert_eq!(valord.names().await, ["neighbour"]);
    neighbour.was_served().await;
    valord.stop().await;
}

/// What runs before the sandbox is closed can say what it wants: valord looks for itself.
#[tokio::test]
async fn a_forged_ready_is_held_against_what_the_kernel_says() {
    let valord = Valord::start().await;
    let neighbour = Neighbour::register(valord.control.clone(), valord.address).await;
    let state = valord.dir.path().join("state");
    let before = listing(&state);
    let spec = Spec::new(misbehave("constructor_forges_ready"), "x");
    let refused = valord.try_register(spec).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::FailedPrecondition, "{refused}");
    assert!(refused.message().contains("no second filter was added after loading"), "{refused}");
    let info = refused.get_details_error_info().unwrap();
    assert_eq!((&*info.reason, &*info.metadata["step"]), ("SANDBOX_POLICY", "sandbox"));
    until_as_before(&state, &before).await;
    assert_eq!(valord.get("/x").await.status, 404);
    neighbour.was_served().await;
    valord.stop().await;
}

#[tokio::test]
async fn valorctl_tells_the_last_words_and_no_process_stays() {
    let dir = directory();
    let daemon = Daemon::start(dir.path()).await;
    let (control, state) = (dir.path().join("control.sock"), dir.path().join("state"));
    let neighbour = Neighbour::register(daemon.control.clone(), daemon.address).await;
    let (before, processes) = (listing(&state), daemon.processes());
    for (file, said) in [
        (
            "create_says_why",
            format!(
                "error: create: the process has ended: it exited with code 3\n  it said at the end:\n  | the database is \
                 gone\n  help: {ENDED}: see what it said at the end\n"
            ),
        ),
        ("create_fails", format!("error: create: no database\n  help: {CREATE}\n")),
    ] {
        let file = misbehave(file);
        let checked = valorctl(&control, ["check", file.to_str().unwrap()]).await;
        assert_eq!(checked.code, 0, "what only running it tells: {}", checked.stderr);
        let registered = valorctl(&control, ["register", file.to_str().unwrap(), "--name", "x"]).await;
        assert_eq!((registered.code, registered.stderr), (1, said), "{}", file.display());
        until_as_before(&state, &before).await;
        daemon.until_processes(&processes).await;
    }
    // What it has forged on its output is harmless on a terminal.
    let file = misbehave("constructor_forges_report");
    let registered = valorctl(&control, ["register", file.to_str().unwrap(), "--name", "x"]).await;
    assert_eq!(registered.code, 1);
    let told: Vec<_> = registered.stderr.lines().collect();
    let [violation, _, forged, help] = told[..] else { panic!("{told:?}") };
    let said = "error: create: it broke the protocol of the control socket: after the start it must say";
    assert!(violation.starts_with(said), "{violation}");
    assert!(forged.contains("\"type\":\"report\"") && !forged.contains(char::is_control), "{forged:?}");
    assert_eq!(help, format!("  help: {FORGED}"));
    until_as_before(&state, &before).await;
    daemon.until_processes(&processes).await;
    neighbour.was_served().await;
}

#[tokio::test]
async fn on_create_may_fetch() {
    let valord = Valord::start().await;
    valord.register(Spec::new(built("libhello_plugin.so"), "hello")).await;
    let config = json!({ "create": "fetch", "url": "/hello" });
    valord.register(Spec::new(built("libvalor_test_runtime_plugin.so"), "x").config(&config)).await;
    assert_eq!(valord.get("/x/created").await.text(), "OK response from a plugin");
    valord.stop().await;
}
