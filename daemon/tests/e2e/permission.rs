//! Who may not use the control socket is told whom it belongs to.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;

use crate::artifacts::{built, command};
use crate::ctl::{finish, valorctl};
use crate::daemon::{Daemon, directory, valord};
use crate::listing::listing;
use crate::neighbour::Neighbour;

#[tokio::test]
async fn valorctl_without_permission_exits_5_and_names_the_group() {
    let root = nix::unistd::geteuid().is_root();
    let dir = directory();
    let (control, state) = (dir.path().join("control.sock"), dir.path().join("state"));
    let config = dir.path().join("valord.toml");
    std::fs::write(&config, "[control]\ngroup = \"daemon\"\n").unwrap();
    let mut with_group = valord(&control, &state);
    with_group.arg("--config").arg(&config);
    let daemon = Daemon::run(with_group, dir.path()).await;
    let neighbour = Neighbour::register(daemon.control.clone(), daemon.address).await;
    let before = listing(&state);
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    // Only root can let a group in.
    assert_eq!(mode(&control), if root { 0o660 } else { 0o600 });
    if !root {
        std::fs::set_permissions(&control, Permissions::from_mode(0o000)).unwrap();
    }
    // Where another user can run it.
    let program = dir.path().join("valorctl");
    std::fs::copy(built("valorctl"), &program).unwrap();
    let library = dir.path().join("libx.so");
    std::fs::copy(built("libhello_c_plugin.so"), &library).unwrap();
    let library = library.to_str().unwrap();
    let cure = if root {
        "become a member of the group `daemon` (`sudo usermod -aG daemon $USER`, then log in again), or be root".to_owned()
    } else {
        let own = nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap();
        let own = own.map_or_else(|| format!("uid {}", nix::unistd::geteuid()), |user| user.name);
        format!(
            "only {own} may use it: be that user, or root; for others a group `valor` must exist when valord is started by root"
        )
    };
    let said = format!("error: connect: no permission on {}\n  help: {cure}\n", control.display());
    for args in [
        &["list"][..],
        &["inspect", "neighbour"],
        &["register", library, "--name", "x"],
        &["restart", "neighbour"],
        &["unregister", "neighbour"],
    ] {
        let mut stranger = command(&program);
        stranger.args(args).current_dir("/").env_clear().env("VALOR_CONTROL", &control);
        if root {
            stranger.uid(65_534).gid(65_534);
        }
        let refused = finish(stranger).await;
        assert_eq!(
            (refused.code, refused.stderr.as_str(), refused.stdout.as_str()),
            (5, &*said, ""),
            "{args:?}"
        );
    }
    if root {
        // A member of the group gets in.
        let mut member = command(&program);
        member.arg("list").current_dir("/").env_clear().env("VALOR_CONTROL", &control);
        member.uid(65_534).gid(1);
        assert_eq!(finish(member).await.code, 0);
        // The mode is not the only fence: it can be changed, and then the kernel's word on the caller counts.
        std::fs::set_permissions(&control, Permissions::from_mode(0o666)).unwrap();
        let mut stranger = command(&program);
        stranger
            .args(["unregister", "neighbour"])
            .current_dir("/")
            .env_clear()
            .env("VALOR_CONTROL", &control);
        stranger.uid(65_534).gid(65_534);
        let refused = finish(stranger).await;
        assert_eq!(refused.code, 5, "{}", refused.stderr);
        let said = "uid 65534 may not use this control socket; become a member of the group daemon";
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    } else {
        std::fs::set_permissions(&control, Permissions::from_mode(0o600)).unwrap();
    }
    assert_eq!(listing(&state), before);
    assert_eq!(valorctl(&control, ["list", "-o", "name"]).await.stdout, "neighbour\n");
    neighbour.was_served().await;
}
