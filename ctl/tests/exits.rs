//! Each exit code, by running the program, and what it says then.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::{Fake, run};
use insta::assert_snapshot;

#[test]
fn ok_is_0() {
    assert_eq!(Fake::start().run(["list"]).code, 0);
    assert_eq!(Fake::start().run(["--help"]).code, 0);
    assert_eq!(Fake::start().run(["--version"]).code, 0);
}

#[test]
fn failed_is_1() {
    let fake = Fake::start();
    assert_snapshot!(fake.run(["restart", "broken"]).all(), @"
    exit 1
    --- stderr
    error: create: on_create panicked
      at line 3
    ");
    let file = fake.file("libbroken.so", b"x");
    assert_eq!(fake.run(["register", &file, "--name", "broken"]).code, 1);
}

#[test]
fn usage_is_2_and_needs_no_daemon() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("lib.so");
    std::fs::write(&file, b"x").unwrap();
    let file = file.to_str().unwrap();
    for prefix in
        ["foo", "", "/a/../b", "/./a", "//", "/a//b", "/%61", "/a b", "/_health", "/_", "/a?b", "/a#b", "/ä"]
    {
        let run = run(dir.path(), ["register", file, "--prefix", prefix], &[]);
        assert_eq!(run.code, 2, "{prefix:?}: {}", run.all());
        assert!(run.stderr.contains("--prefix"), "{}", run.stderr);
    }
    for args in [
        &["register", file, "--config", "Alice"][..],
        &["register", file, "--config", "@/no/such"],
        &["register", file, "--timeout", "soon"],
        &["register", file, "--timeout", "0s"],
        &["register", file, "--memory", "much"],
        &["register", file, "--concurrency", "0"],
        &["register", file, "--instances", "-1"],
        &["register", file, "--name", "Has Spaces"],
        &["register", "."],
        &["register"],
        &["unregister"],
        &["logs", "x", "--since", "yesterday"],
        &["list", "-o", "yaml"],
        &["no-such-verb"],
        &[],
    ] {
        let run = run(dir.path(), args, &[]);
        assert_eq!(run.code, 2, "{args:?}: {}", run.all());
        assert!(!run.stderr.is_empty());
    }
    assert_snapshot!(run(dir.path(), ["register", "lib.so", "--prefix", "/a//b"], &[]).all(), @"
    exit 2
    --- stderr
    error: invalid value '/a//b' for '--prefix <PATH>': has an empty segment: remove the doubled slash

    For more information, try '--help'.
    ");
    assert_snapshot!(run(dir.path(), ["register", "lib.so", "--config", "Alice"], &[]).all(), @r#"
    exit 2
    --- stderr
    error: invalid value 'Alice' for '--config <JSON|@FILE>': not JSON (expected value at line 1 column 1); text is written as '"text"', a file as @FILE

    For more information, try '--help'.
    "#);
    assert_snapshot!(run(dir.path(), ["register", "."], &[]).all(), @"
    exit 2
    --- stderr
    error: read .: not a regular file
      help: name the library itself, for example target/release/libhello.so
    ");
}

#[test]
fn fields_that_the_daemon_refuses_are_usage_too() {
    let fake = Fake::start();
    let file = fake.file("lib.so", b"x");
    assert_snapshot!(fake.run(["register", &file, "--name", "fields"]).all(), @"
    exit 2
    --- stderr
    error: register: invalid registration
      limits.memory: less than 16 MiB
      grants.net: `x:y` has no port
    ");
}

#[test]
fn not_found_is_3() {
    let fake = Fake::start();
    for verb in ["inspect", "restart", "unregister", "logs"] {
        assert_eq!(fake.run([verb, "missing"]).code, 3, "{verb}");
    }
    assert_snapshot!(fake.run(["inspect", "missing"]).all(), @"
    exit 3
    --- stderr
    error: look up: no plugin `missing`
      help: see `valorctl list`
    ");
    assert_snapshot!(fake.run(["register", "nope.so"]).all(), @"
    exit 3
    --- stderr
    error: read nope.so: No such file or directory (os error 2)
    ");
}

#[test]
fn unreachable_is_4_and_says_where_it_looked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    assert_snapshot!(run(dir.path(), ["list", "--control", &format!("{path}/none.sock")], &[]).all(), @"
    exit 4
    --- stderr
    error: connect: no valord answers
      tried [DIR]/none.sock: there is no such socket
      help: start one with `valord` or `systemctl start valord`, or say where its socket is with --control or VALOR_CONTROL
    ");
    // A socket that nobody listens on, a file that is none, somebody else's protocol.
    let dead = dir.path().join("dead.sock");
    drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
    let run_dead = run(dir.path(), ["list", "--control", dead.to_str().unwrap()], &[]);
    assert_eq!(run_dead.code, 4);
    assert!(run_dead.stderr.contains("nobody listens there any more"), "{}", run_dead.stderr);
    std::fs::write(dir.path().join("file"), "").unwrap();
    assert_eq!(run(dir.path(), ["list", "--control", "file"], &[]).code, 4);
    assert_eq!(Fake::start().run(["restart", "stopping"]).code, 4);
}

#[test]
fn the_users_own_place_is_looked_at_first_and_a_relative_one_never() {
    if std::path::Path::new(valor_control::paths::SYSTEM).exists() {
        // A real valord runs on this machine, and would answer.
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let looked = run(dir.path(), ["list"], &[("XDG_RUNTIME_DIR", dir.path().to_str().unwrap())]);
    assert_eq!(looked.code, 4);
    let tried: Vec<_> = looked.stderr.lines().filter(|line| line.contains("tried")).collect();
    assert!(tried[0].starts_with("  tried [DIR]/valor/control.sock: "), "{}", looked.stderr);
    assert!(tried[1].starts_with("  tried /run/valor/control.sock: "), "{}", looked.stderr);
    let looked = run(dir.path(), ["list"], &[("XDG_RUNTIME_DIR", "here")]);
    assert_eq!(looked.stderr.matches("tried").count(), 1, "{}", looked.stderr);
}

#[test]
fn a_stranger_on_the_socket_is_unreachable_too() {
    use std::io::{Read as _, Write as _};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let stranger = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 mail ready\r\n").ok();
        // It stays until the other side has had enough.
        stream.read_to_end(&mut Vec::new()).ok();
    });
    let run = run(dir.path(), ["list", "--control", path.to_str().unwrap(), "--wait-timeout", "30s"], &[]);
    stranger.join().unwrap();
    assert_eq!(run.code, 4, "{}", run.all());
    assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
}

#[test]
fn refused_is_5() {
    let fake = Fake::start();
    let file = fake.file("libtaken.so", b"x");
    assert_snapshot!(fake.run(["register", &file, "--name", "taken"]).all(), @"
    exit 5
    --- stderr
    error: reserve: a plugin named taken exists
      help: take its place with --replace
    ");
    assert_eq!(fake.run(["register", &file, "--name", "taken", "--replace"]).code, 0);
    assert_snapshot!(fake.run(["restart", "refused"]).all(), @"
    exit 5
    --- stderr
    error: sandbox: property no-network does not hold: no net namespace
      help: enable unprivileged user namespaces
    ");
}

#[test]
fn no_permission_on_the_socket_is_5_and_names_who_may() {
    let fake = Fake::start();
    let socket = fake.path("control.sock");
    // Its group may: nobody whom the test runs as, or its owner, who is not asked for its group.
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&socket, None, Some(1)).unwrap();
    }
    let group = without_permission(&fake, 0o060);
    assert_eq!(group.code, 5);
    let told = group.stderr.lines().last().unwrap();
    assert!(told.starts_with("  help: become a member of the group `"), "{told}");
    assert!(told.ends_with("$USER`, then log in again), or be root"), "{told}");
    if rustix::process::geteuid().is_root() {
        assert!(told.contains("`daemon` (`sudo usermod -aG daemon "), "{told}");
        assert_snapshot!(without_permission(&fake, 0o600).all(), @r"
        exit 5
        --- stderr
        error: connect: no permission on [DIR]/control.sock
          help: only root may use it: be that user, or root; for others a group `valor` must exist when valord is started by root
        ");
    }
}

/// `list`, by somebody whom the socket's mode keeps out.
fn without_permission(fake: &Fake, mode: u32) -> common::Run {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    let socket = fake.path("control.sock");
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(mode)).unwrap();
    let mut command = common::command(fake.dir.path(), ["list", "--control", socket.to_str().unwrap()], &[]);
    if rustix::process::geteuid().is_root() {
        // Root is refused nothing, so somebody else asks; the program must be readable to them.
        std::fs::set_permissions(fake.dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let copy = fake.path("valorctl");
        common::install(std::path::Path::new(env!("CARGO_BIN_EXE_valorctl")), &copy);
        #[expect(clippy::disallowed_methods, reason = "runs the program under test")]
        let mut other = std::process::Command::new(&copy);
        other
            .args(["list", "--control", socket.to_str().unwrap()])
            .env_clear()
            .current_dir("/")
            .uid(65_534)
            .gid(65_534);
        command = other;
    }
    common::finish(fake.dir.path(), command.output().unwrap())
}

#[test]
fn timed_out_is_124() {
    let fake = Fake::start();
    assert_snapshot!(fake.run(["restart", "hang", "--wait-timeout", "1500ms"]).all(), @"
    exit 124
    --- stderr
    error: restart: no answer from valord within 1.5s
      help: wait longer with --wait-timeout, or look at valord's log
    ");
    assert_eq!(fake.run(["logs", "stalls", "--wait-timeout", "200ms"]).code, 124);
    assert_eq!(fake.run(["restart", "late"]).code, 124);
    let file = fake.file("lib.so", &vec![0; 1 << 20]);
    assert_eq!(fake.run(["register", &file, "--name", "hang", "--wait-timeout", "50ms"]).code, 124);
    // One that accepts and never says a word.
    let path = fake.path("silent.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    assert_eq!(fake.run(["list", "--control", path.to_str().unwrap(), "--wait-timeout", "50ms"]).code, 124);
}
