use valor_wire::control::{FromShim, LayerStatus, Step};

use crate::shim::Shim;

/// What a start says that fails.
fn failure(name: &str, defines: &[&str], config: &str) -> (Step, String) {
    let mut shim = Shim::start(name, defines, config, 2, 2);
    let FromShim::Failed { step, message } = shim.hear() else { panic!("not failed") };
    assert_eq!(shim.wait().0.code(), Some(1));
    (step, message)
}

#[test]
fn what_cannot_be_loaded_says_why_and_what_to_do() {
    for (define, expected, words) in [
        ("NEWER", Step::Abi, ["ABI version 2", "speaks version 1", "newer valor"]),
        ("SHORT", Step::Abi, ["8 bytes", "sizeof", "vtable"]),
        ("EMPTY", Step::Abi, ["on_request", "empty", "nothing can be answered"]),
        ("NOTHING", Step::Abi, ["no vtable", "return a pointer", "static"]),
        ("MISNAMED", Step::Abi, ["valor_plugin_entry", "no valor plugin", "#[vlugin]"]),
        ("UNDEFINED", Step::Load, ["nobody_has_this", "undefined symbol", "valorctl check"]),
    ] {
        let (step, message) = failure("bad", &[define], "null");
        assert_eq!(step, expected, "{define}: {message}");
        for word in words {
            assert!(message.contains(word), "{define}: {message}");
        }
    }
}

#[test]
fn a_creation_that_fails_is_explained() {
    assert_eq!(failure("actor", &[], "\"fail\""), (Step::Create, "config says so".into()));
    let (step, message) = failure("actor", &[], "\"number\"");
    assert!(step == Step::Create && message.contains("42"), "{message}");
    let (step, message) = failure("own_loop", &[], "\"early\"");
    assert!(step == Step::Create && message.contains("returned 7 before"), "{message}");
}

#[test]
fn a_worker_that_leaves_its_sockets_ends_the_process() {
    let mut shim = Shim::start("own_loop", &[], "\"desert\"", 1, 1);
    assert!(matches!(shim.hear(), FromShim::Ready { .. }));
    let message = shim.hear_log();
    assert!(message.contains("worker 0") && message.contains("returned 8"), "{message}");
    assert_eq!(shim.wait().0.code(), Some(1));
}

#[test]
fn a_crash_ends_the_process_with_the_signal() {
    let (mut shim, _) = Shim::ready("actor", "null", 1, 1);
    shim.links[0].post("/crash", true);
    let (status, text) = shim.wait();
    assert_eq!(status.code(), Some(128 + 11), "{text}");
}

#[test]
fn the_sandbox_was_built_first() {
    let (shim, _) = Shim::ready("actor", "null", 1, 1);
    for layer in ["no-new-privs", "seccomp", "capabilities", "descriptors"] {
        let report = shim.layers.iter().find(|l| l.layer == layer).expect(layer);
        assert_eq!(report.status, LayerStatus::Full, "{report:?}");
    }
}
