//! What every plugin's process is confined by, as root, as an ordinary user, and where user namespaces are forbidden.

use valor_control::v1::Layer;

use crate::artifacts::built;
use crate::client::Spec;
use crate::harness::{Valord, without_namespaces};

fn layer<'a>(sandbox: &'a [Layer], name: &str) -> &'a Layer {
    sandbox.iter().find(|layer| layer.layer == name).unwrap_or_else(|| panic!("{name} is not reported"))
}

#[tokio::test]
async fn every_layer_is_reported_and_what_can_be_seen_is_verified() {
    let valord = Valord::start().await;
    valord.register(Spec::new(built("libhello_c_plugin.so"), "hello")).await;
    let root = nix::unistd::geteuid().is_root();
    let sandbox = valord.inspect("hello").await.sandbox;
    let names: Vec<_> = sandbox.iter().map(|layer| layer.layer.as_str()).collect();
    let expected = [
        "artifact-hash",
        "environment",
        "cgroup",
        "descriptors",
        "session",
        "scheduling",
        "user-namespace",
        "mount-namespace",
        "pid-namespace",
        "net-namespace",
        "ipc-namespace",
        "uts-namespace",
        "cgroup-namespace",
        "rlimits",
        "root-filesystem",
        "init-seccomp",
        "uid",
        "capabilities",
        "no-new-privs",
        "landlock-fs",
        "landlock-net",
        "landlock-scopes",
        "non-dumpable",
        "mdwe",
        "seccomp",
        "seal",
    ];
    assert_eq!(names, expected);
    for always in [
        "artifact-hash",
        "environment",
        "scheduling",
        "no-new-privs",
        "seccomp",
        "seal",
        "capabilities",
        "rlimits",
    ] {
        let layer = layer(&sandbox, always);
        assert_eq!((&*layer.status, layer.verified), ("full", true), "{layer:?}");
    }
    for layer in &sandbox {
        assert!(layer.status == "full" || !layer.reason.is_empty(), "why not? {layer:?}");
    }
    let full = |name: &str, verified: bool| {
        let layer = layer(&sandbox, name);
        assert_eq!((&*layer.status, layer.verified), ("full", verified), "{layer:?}");
    };
    let spaces = ["mount-namespace", "pid-namespace", "net-namespace", "ipc-namespace", "uts-namespace"];
    if without_namespaces() {
        for name in [&spaces[..], &["user-namespace", "cgroup-namespace", "root-filesystem"]].concat() {
            let layer = layer(&sandbox, name);
            assert_eq!((&*layer.status, layer.reason.is_empty()), ("absent", false), "{layer:?}");
        }
        for (name, verified) in [("landlock-fs", false), ("landlock-net", false), ("non-dumpable", true)] {
            full(name, verified);
        }
        valord.stop().await;
        return;
    }
    for space in spaces {
        // The links of a process of another user namespace are hidden from an ordinary user, its depth is not.
        full(space, root || space == "pid-namespace");
    }
    full("root-filesystem", false);
    if root {
        full("uid", true);
        full("descriptors", true);
        full("non-dumpable", true);
    } else {
        full("user-namespace", false);
        full("descriptors", false);
    }
    valord.stop().await;
}

#[tokio::test]
async fn a_sandbox_that_falls_short_does_not_start() {
    use std::os::unix::fs::PermissionsExt as _;
    // A shim that says little; everything of it is true.
    let valord = Valord::start_with(|app| {
        let shim = app.config.state_dir.with_file_name("weak-shim");
        let script = concat!(
            "#!/bin/bash\n[ $1 = run ] || exec REAL \"$@\"\nmessage() { local n=${#1}; ",
            "printf \"\\\\x$(printf %02x $((n & 255)))\\\\x$(printf %02x $((n >> 8)))\\\\0\\\\0\\\\x10\\\\0\\\\0\\\\0\\\\0\\\\0\\\\0\\\\0\\\\0\\\\0\\\\0\\\\0\" >&3; ",
            "printf %s \"$1\" >&3; }\n",
            "message '{\"type\":\"hello\",\"version\":1,\"software\":\"weak\"}'\n",
            "message '{\"type\":\"report\",\"layers\":[{\"layer\":\"no-new-privs\",\"status\":\"full\"}]}'\n",
            "sleep 1000 & wait\n",
        );
        std::fs::write(&shim, script.replace("REAL", built("valor-shim").to_str().unwrap())).unwrap();
        std::fs::set_permissions(&shim, std::fs::Permissions::from_mode(0o755)).unwrap();
        app.supervisor.shims = valord::supervisor::Shims::beside(shim);
    })
    .await;
    let refused = valord.try_register(Spec::new(built("libhello_c_plugin.so"), "hello")).await.unwrap_err();
    let text = refused.message();
    if without_namespaces() {
        // What forbids them here has set no-new-privs, too, which everybody inherits.
        assert!(text.contains("the layer seccomp was not reported"), "{refused}");
    } else {
        assert!(text.contains("no-new-privs") && text.contains("the kernel says otherwise"), "{refused}");
    }
    assert_eq!(valord.get("/hello").await.status, 404);
    valord.stop().await;
}
