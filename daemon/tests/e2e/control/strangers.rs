//! What another user of the machine can try on the socket and its directory. Only root can be somebody else for a test;
//! an ordinary user checks what keeps the others away.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output};

use valor_control::v1::ListRequest;

use super::Siege;
use super::process::Process;
use crate::artifacts::{built, command};
use crate::client;

const STRANGER: u32 = 65_534;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// As nobody, who is in no group.
fn stranger(mut command: Command) -> Output {
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .current_dir("/")
        .uid(STRANGER)
        .gid(STRANGER)
        .output()
        .unwrap()
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

/// Where others can run it from.
fn valorctl(dir: &Path) -> std::path::PathBuf {
    let copy = dir.join("valorctl");
    // By another process: one that is open for writing here could not be run.
    let mut install = command("install");
    assert!(install.args(["-m", "755"]).arg(built("valorctl")).arg(&copy).status().unwrap().success());
    copy
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_cannot_connect_replace_remove_or_hide_the_socket() {
    let siege = Siege::start().await;
    let (socket, dir) = (siege.socket(), siege.valord.dir.path().to_owned());
    assert_eq!(mode(&socket), 0o600, "there is no group here: the owner alone");
    let own = rustix::process::geteuid().as_raw();
    let owners = [&socket, &dir].map(|path| std::fs::metadata(path).unwrap().uid());
    assert_eq!(owners, [own, own]);
    assert_eq!(mode(&dir) & 0o022, 0, "nobody else can write to the directory");
    if is_root() {
        let identity = std::fs::symlink_metadata(&socket).unwrap().ino();
        let moved = dir.join("moved");
        for (program, args) in [
            ("rm", vec!["-f", socket.to_str().unwrap()]),
            ("mv", vec![socket.to_str().unwrap(), moved.to_str().unwrap()]),
            ("ln", vec!["-sfn", "/tmp", socket.to_str().unwrap()]),
            ("chmod", vec!["777", socket.to_str().unwrap()]),
            ("touch", vec![moved.to_str().unwrap()]),
            ("mv", vec![dir.to_str().unwrap(), "/tmp/valor-stolen"]),
        ] {
            let mut command = command(program);
            command.args(&args);
            let output = stranger(command);
            assert!(!output.status.success(), "{program} {args:?} succeeds");
        }
        assert_eq!(std::fs::symlink_metadata(&socket).unwrap().ino(), identity);

        let program = valorctl(&dir);
        let ask = |control: &Path| {
            let mut command = command(&program);
            command.args(["list", "--control"]).arg(control);
            let output = stranger(command);
            (output.status.code(), String::from_utf8(output.stderr).unwrap())
        };
        let (code, said) = ask(&socket);
        assert_eq!(code, Some(5), "{said}");
        assert!(said.starts_with("error: connect: no permission on "), "{said}");
        // And if somebody opens the socket for all, the kernel still says who is there.
        std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o666)).unwrap();
        let (code, said) = ask(&socket);
        assert_eq!(code, Some(5), "{said}");
        let expected = "error: connect: uid 65534 may not use this control socket; run valorctl as the user that valord runs as, or as root\n";
        assert_eq!(said, expected);
    }
    siege.end().await;
}

#[tokio::test]
async fn strangers_in_numbers_do_not_keep_the_operator_out() {
    let siege = Siege::start().await;
    if is_root() {
        std::fs::set_permissions(siege.socket(), std::fs::Permissions::from_mode(0o666)).unwrap();
        let script = "import socket,sys,time\ns=[]\nfor n in range(300):\n c=socket.socket(socket.AF_UNIX)\n c.connect(sys.argv[1])\n s.append(c)\nprint('there',flush=True)\nsys.stdin.read()\n";
        let mut crowd = command("python3");
        crowd
            .args(["-c", script])
            .arg(siege.socket())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .current_dir("/");
        crowd
            .uid(STRANGER)
            .gid(STRANGER)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped());
        let mut crowd = crowd.spawn().unwrap();
        let mut line = String::new();
        let mut out = std::io::BufReader::new(crowd.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut out, &mut line).unwrap();
        assert_eq!(line, "there\n");
        for _ in 0..5 {
            let mut control = client::connect(&siege.socket()).await;
            control.list(ListRequest {}).await.unwrap();
        }
        drop(crowd.stdin.take());
        crowd.wait().unwrap();
    } else {
        // Nobody else gets as far as that.
        assert_eq!(mode(&siege.socket()), 0o600);
    }
    siege.end().await;
}

/// What valord says instead of starting, with this control socket.
fn refusal(control: &Path, state: &Path) -> String {
    let mut valord = command(built("valord"));
    valord.args(["--listen", "127.0.0.1:0", "--control"]).arg(control).arg("--state-dir").arg(state);
    let output = valord.env("NO_COLOR", "1").output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    text
}

#[test]
fn a_place_where_others_could_put_their_own_socket_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let open = dir.path().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
    let said = refusal(&open.join("control.sock"), &state);
    assert!(
        said.contains("is no place for the control socket: others may write to it (mode 0777)"),
        "{said}"
    );
    // There already, and no socket: left as it is.
    let file = dir.path().join("file");
    std::fs::write(&file, "precious").unwrap();
    let link = dir.path().join("link.sock");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    for path in [&file, &link] {
        let said = refusal(path, &state);
        assert!(said.contains("is there and is no socket: move it away"), "{said}");
    }
    assert_eq!((std::fs::read_to_string(&file).unwrap().as_str(), mode(&file) & 0o022), ("precious", 0));
    // A link to a live socket is no socket either: nothing is changed through it.
    let live = dir.path().join("live.sock");
    let _listener = UnixListener::bind(&live).unwrap();
    let before = mode(&live);
    let to_live = dir.path().join("to-live.sock");
    std::os::unix::fs::symlink(&live, &to_live).unwrap();
    assert!(refusal(&to_live, &state).contains("is no socket"));
    assert_eq!(mode(&live), before);
    if is_root() {
        // Squatters in /tmp: a directory of theirs, and a socket that is listened on.
        let theirs = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(theirs.path(), Some(STRANGER), Some(STRANGER)).unwrap();
        let said = refusal(&theirs.path().join("valor/control.sock"), &state);
        assert!(said.contains("belongs to uid 65534, who could put another socket there"), "{said}");
        let sticky = tempfile::tempdir().unwrap();
        std::fs::set_permissions(sticky.path(), std::fs::Permissions::from_mode(0o1777)).unwrap();
        let squatted = sticky.path().join("control.sock");
        let script = "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\ns.listen()\nprint('there',flush=True)\nsys.stdin.read()\n";
        let mut squatter = command("python3");
        squatter
            .args(["-c", script])
            .arg(&squatted)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .current_dir("/");
        squatter
            .uid(STRANGER)
            .gid(STRANGER)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped());
        let mut squatter = squatter.spawn().unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(squatter.stdout.take().unwrap()), &mut line)
            .unwrap();
        let said = refusal(&squatted, &state);
        let expected = format!("uid 65534 (pid {}) listens on ", squatter.id());
        assert!(said.contains(&expected), "{said}");
        drop(squatter.stdin.take());
        squatter.wait().unwrap();
    }
}

#[tokio::test]
async fn no_umask_opens_the_socket_or_locks_its_owner_out() {
    for umask in ["000", "777", "027"] {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("control.sock");
        let mut shell = command("sh");
        shell.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"]).arg(built("valord"));
        shell.args(["--listen", "127.0.0.1:0", "--control"]).arg(&socket);
        shell.arg("--state-dir").arg(dir.path().join("state")).env("VALOR_LOG", "off");
        let mut child = shell.stderr(std::process::Stdio::null()).spawn().unwrap();
        let up = async {
            loop {
                if let Ok(stream) = tokio::net::UnixStream::connect(&socket).await {
                    drop(stream);
                    return;
                }
                assert!(child.try_wait().unwrap().is_none(), "valord ends under umask {umask}");
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(crate::harness::PATIENCE, up).await.expect("valord does not start");
        client::connect(&socket).await.list(ListRequest {}).await.unwrap();
        assert_eq!(mode(&socket), 0o600, "under umask {umask}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[tokio::test]
async fn a_caller_is_who_connected_whatever_it_becomes() {
    if !is_root() {
        eprintln!("NOT TESTED: only root can become somebody else; CI runs as root, too");
        return;
    }
    let valord = Process::start().await;
    std::fs::set_permissions(valord.socket(), std::fs::Permissions::from_mode(0o666)).unwrap();
    let program = valorctl(valord.dir.path());
    // Root that has dropped its rights is nobody.
    let mut dropped = command("setpriv");
    dropped.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]).arg(&program);
    let output = dropped.args(["unregister", "x", "--control"]).arg(valord.socket()).output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    let line = valord.until_logged("verb=\"connect\"").await;
    assert!(line.contains("uid=65534 gid=65534") && line.contains("outcome=\"denied\""), "{line}");
    // A user namespace makes nobody root: outside of it the uid is the same.
    let mut unshared = command("setpriv");
    unshared.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--", "unshare", "--user"]);
    unshared.args(["--map-root-user", "--"]).arg(&program).args(["list", "--control"]).arg(valord.socket());
    let output = unshared.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    if said.contains("unshare failed") {
        assert!(said.contains("Operation not permitted"), "{said}");
        eprintln!("this machine gives nobody a user namespace: {said}");
        return;
    }
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("uid 65534 may not use this control socket"), "{said}");
}
