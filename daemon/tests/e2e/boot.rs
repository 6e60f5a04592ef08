//! Places that valord does not start from: told with the cure, before anything is made or removed.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;

use crate::artifacts::{built, command};
use crate::ctl::{finish, valorctl};
use crate::daemon::{Daemon, directory, valord, valord_by};
use crate::disk::{is_root, shell};
use crate::listing::listing;

/// As somebody who is not root: the one who runs the test, or nobody.
fn as_a_user(mut command: std::process::Command) -> std::process::Command {
    if is_root() {
        command.uid(65_534).gid(65_534);
    }
    command
}

#[tokio::test]
async fn a_state_directory_that_is_no_place_to_start_from() {
    let dir = directory();
    let at = |name: &str| dir.path().join(name);
    // Where the user can read it.
    let elsewhere = directory();
    let program = elsewhere.path().join("valord");
    fs::copy(built("valord"), &program).unwrap();
    fs::create_dir(at("run")).unwrap();
    fs::create_dir(at("closed")).unwrap();
    fs::write(at("file"), "precious").unwrap();
    fs::create_dir(at("open")).unwrap();
    if is_root() {
        for name in ["run", "open"] {
            chown(at(name), Some(65_534), Some(65_534)).unwrap();
        }
    }
    fs::set_permissions(at("closed"), Permissions::from_mode(0o555)).unwrap();
    fs::set_permissions(at("open"), Permissions::from_mode(0o777)).unwrap();
    let before = listing(dir.path());
    let owner = "run valord as the owner of the state directory, or choose another with --state-dir";
    let other = "something else has this name: choose another --state-dir";
    for (state, said) in [
        ("closed", format!("cannot write to STATE: Permission denied (os error 13); {owner}")),
        ("closed/below", format!("cannot make the state directory STATE: Permission denied (os error 13); {owner}")),
        ("file", format!("cannot make the state directory STATE: File exists (os error 17); {other}")),
        ("file/below", format!("cannot make the state directory STATE: Not a directory (os error 20); {other}")),
        (
            "open",
            "the state directory is not safe: STATE can be written by everybody; chmod o-w it, or choose another \
             --state-dir"
                .to_owned(),
        ),
    ] {
        let control = at("run").join("control.sock");
        let refused = finish(as_a_user(valord_by(command(&program), &control, &at(state)))).await;
        assert_eq!(refused.code, 1, "{}", refused.stderr);
        let said = format!("valord: {}\n", said.replace("STATE", at(state).to_str().unwrap()));
        assert_eq!(refused.stderr.lines().last().map(|line| format!("{line}\n")), Some(said));
        assert_eq!(listing(dir.path()), before, "{state}");
    }
}

#[tokio::test]
async fn a_read_only_disk_is_no_place_to_start_from() {
    if !is_root() {
        eprintln!(
            "NOT TESTED: only root can mount a disk; a directory without permission is the ordinary user's"
        );
        return;
    }
    let dir = directory();
    let state = dir.path().join("state");
    fs::create_dir(&state).unwrap();
    let script = format!("mount -t tmpfs -o ro read-only {}\nexec \"$@\"", state.display());
    let refused = finish(valord_by(shell(&script), &dir.path().join("control.sock"), &state)).await;
    assert_eq!(refused.code, 1);
    let said = format!(
        "valord: cannot write to {}: Read-only file system (os error 30); the file system is read-only: choose another place \
         with --state-dir",
        state.display()
    );
    assert_eq!(refused.stderr.lines().last(), Some(&*said));
    assert_eq!(listing(dir.path()).keys().collect::<Vec<_>>(), ["state"]);
}

/// Before it has made anything else: a name that is not its own is nothing that valord removes.
#[tokio::test]
async fn a_control_socket_that_is_none_stops_the_start() {
    let dir = directory();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("file"), "precious").unwrap();
    fs::create_dir(at("directory")).unwrap();
    std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
    std::os::unix::fs::symlink(at("nothing"), at("dangling")).unwrap();
    // Somebody who is no valord, and alive; and one who is gone.
    let stranger = std::os::unix::net::UnixListener::bind(at("stranger")).unwrap();
    let before = listing(dir.path());
    let no_socket = "is there and is no socket: move it away, or choose another --control";
    for (name, said) in [
        ("file", format!("PATH {no_socket}")),
        ("directory", format!("PATH {no_socket}")),
        ("link", format!("PATH {no_socket}")),
        ("dangling", format!("PATH {no_socket}")),
        (
            "stranger",
            format!(
                "another valord (pid {}) owns the control socket PATH: stop it, or give this one its own --control",
                std::process::id()
            ),
        ),
        (
            "file/below",
            "cannot make the directory of PATH: File exists (os error 17); choose another --control"
                .to_owned(),
        ),
    ] {
        let refused = finish(valord(&at(name), &at("state"))).await;
        let said = format!("valord: {}", said.replace("PATH", at(name).to_str().unwrap()));
        assert_eq!((refused.code, refused.stderr.lines().last()), (1, Some(&*said)));
        assert_eq!(listing(dir.path()), before, "{name}");
    }
    drop(stranger);
    fs::rename(at("stranger"), at("control.sock")).unwrap();
    let daemon = Daemon::start(dir.path()).await;
    assert_eq!(valorctl(&at("control.sock"), ["list"]).await.code, 0, "what nobody listens on makes room");
    drop(daemon);
}
