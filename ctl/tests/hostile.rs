//! `valorctl` against a daemon that lies, and files that are not what they seem: an exit code, a message, and an end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub, reason = "tests")]

mod common;
mod liar;

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use common::{Fake, Run};
use insta::assert_snapshot;
use liar::{Lie, evil, framed, says, tells};
use valor_control::v1;

/// Nothing that a terminal obeys, and no line that begins like one of ours but by us.
#[track_caller]
fn harmless(run: &Run) {
    for text in [&run.stdout, &run.stderr] {
        let bad = |c: char| {
            (c.is_control() && c != '\n' && c != '\t')
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{200f}')
        };
        assert!(!text.contains(bad), "{text:?}");
        assert!(!text.lines().any(|line| line.starts_with("error: forged")), "{text}");
    }
}

#[test]
fn every_text_that_is_shown_is_harmless() {
    let detail = v1::InspectResponse {
        plugin: Some(liar::plugin()),
        config: evil("config"),
        limits: Some(v1::Limits { timeout_ms: u32::MAX, memory: u64::MAX, ..v1::Limits::default() }),
        grants: Some(liar::grants()),
        manifest: evil("manifest"),
        instances: vec![v1::Instance {
            state: evil("state"),
            sdk: evil("sdk"),
            reason: evil("reason"),
            started_ms: u64::MAX,
            ..Default::default()
        }],
        sandbox: vec![liar::layer()],
        log: vec![liar::line()],
        web: None,
        engine: evil("engine"),
        probe: evil("probe"),
    };
    let event = v1::Event {
        time_ms: u64::MAX,
        plugin: evil("plugin"),
        instance: Some(u32::MAX),
        pid: u32::MAX,
        state: evil("state"),
        cause: evil("cause"),
        detail: evil("detail"),
        by: Some(v1::Caller { uid: u32::MAX, pid: u32::MAX }),
        ..Default::default()
    };
    let route = v1::Route { prefix: evil("prefix"), plugin: evil("plugin"), state: evil("state") };
    let info = v1::InfoResponse {
        version: evil("version"),
        listen: vec![evil("listen")],
        control: evil("control"),
        state_dir: evil("state"),
        started_ms: u64::MAX,
        sandbox: vec![liar::layer()],
        policy: vec![evil("policy")],
        ..Default::default()
    };
    let registered = v1::RegisterResponse {
        plugin: Some(liar::plugin()),
        not_granted: Some(liar::grants()),
        replaced: true,
    };
    let answers: [(&[&str], Vec<u8>, usize); 10] = [
        (&["list"], framed(&v1::ListResponse { plugins: vec![liar::plugin()] }), 3),
        (&["inspect", "x"], framed(&detail), 17),
        (&["restart", "x"], framed(&v1::RestartResponse { plugin: Some(liar::plugin()) }), 2),
        (&["routes"], framed(&v1::RoutesResponse { routes: vec![route] }), 3),
        (&["info"], framed(&info), 6),
        (&["logs", "x"], framed(&liar::line()), 4),
        (&["register", "lib.so"], framed(&registered), 7),
        (&["replace", "x"], framed(&registered), 7),
        (&["drain", "x"], framed(&v1::DrainResponse { plugin: Some(liar::plugin()) }), 2),
        (&["events"], framed(&event), 4),
    ];
    for (args, body, words) in answers {
        let place = tells(Lie::new(body));
        std::fs::write(place.dir.path().join("lib.so"), b"x").unwrap();
        for format in ["table", "json", "name"] {
            let run = place.run(&[args, &["-o", format]].concat());
            assert_eq!(run.code, 0, "{args:?} {format}: {}", run.all());
            harmless(&run);
            let shown = run.stdout.matches("]0;").count() + run.stderr.matches("]0;").count();
            assert!(format == "name" || shown >= words, "{args:?} {format}: {shown} texts: {}", run.all());
        }
    }
}

#[test]
fn errors_are_harmless_and_keep_to_their_lines() {
    // grpc-message is percent-encoded: this is ESC [2J, a line feed, and what looks like another error.
    let message = "bad%1B[2J%0Aerror: forged%0D%C2%9B31m%E2%80%AE";
    let run = tells(Lie::refusal(&[("grpc-status", "13"), ("grpc-message", message)])).run(&["list"]);
    harmless(&run);
    assert_snapshot!(run.all(), @r"
    exit 1
    --- stderr
    error: list: bad\u{1b}[2J
      error: forged\r\u{9b}31m\u{202e}
      help: is this the control socket of a valord of this release? see --control and valord's log
    ");
    for (name, value, code) in [
        ("grpc-status", "999", 1),
        ("grpc-status", "-1", 1),
        ("grpc-status", "x", 1),
        ("grpc-status", "14", 4),
        ("grpc-status", "4", 124),
    ] {
        let run = tells(Lie::refusal(&[(name, value), ("grpc-message", "why")])).run(&["list"]);
        assert_eq!(run.code, code, "{value}: {}", run.all());
        assert!(run.stderr.starts_with("error: list: "), "{}", run.stderr);
    }
    for details in ["!!!", "AAAA", "CgEK/////w=="] {
        let lie = [("grpc-status", "3"), ("grpc-message", "no"), ("grpc-status-details-bin", details)];
        let run = tells(Lie::refusal(&lie)).run(&["list"]);
        assert_eq!((run.code, run.stderr.as_str()), (2, "error: list: no\n"), "{details}");
    }
}

#[test]
fn an_answer_that_is_none_is_told_and_never_believed() {
    let list = || Lie::new(framed(&v1::ListResponse::default()));
    let one = |body: Vec<u8>| Lie::new(body);
    let huge = vec![b'x'; (32 << 20) + 1];
    let too_much = v1::ListResponse {
        plugins: vec![v1::Plugin { name: String::from_utf8(huge).unwrap(), ..Default::default() }],
    };
    for (what, lie, code, said) in [
        (
            "a length of 4 GiB",
            one(vec![0, 0xff, 0xff, 0xff, 0xff]),
            1,
            "length too large: found 4294967295 bytes",
        ),
        ("32 MiB and more", one(framed(&too_much)), 1, "length too large: found 33554443 bytes"),
        ("no protobuf", one(vec![0, 0, 0, 0, 2, 0xff, 0xff]), 1, "failed to decode"),
        ("compressed", one(vec![1, 0, 0, 0, 1, b'x']), 1, "compressed-flag"),
        ("half a message", one(vec![0, 0, 0, 0, 9, b'x']), 1, "Missing response message"),
        ("nothing", one(Vec::new()), 1, "Missing response message"),
        ("no status", Lie { trailers: Vec::new(), ..list() }, 1, "missing grpc-status"),
        (
            "a web page",
            Lie { content_type: "text/html", body: b"<html>".to_vec(), trailers: Vec::new(), ..list() },
            1,
            "invalid compression flag",
        ),
        (
            "404",
            Lie { status: 404, trailers: Vec::new(), body: Vec::new(), ..list() },
            1,
            "HTTP status code 404",
        ),
        (
            "503",
            Lie { status: 503, trailers: Vec::new(), body: Vec::new(), ..list() },
            4,
            "HTTP status code 503",
        ),
    ] {
        let run = tells(lie).run(&["list"]);
        assert_eq!(run.code, code, "{what}: {}", run.all());
        assert!(
            run.stderr.starts_with("error: list: ") && run.stderr.contains(said),
            "{what}: {}",
            run.all()
        );
        assert!(
            run.stderr.contains("\n  help: is this the control socket of a valord of this release?"),
            "{what}"
        );
        assert_eq!(run.stdout, "", "{what}");
        harmless(&run);
    }
}

#[test]
fn what_is_no_http2_is_unreachable() {
    let settings = |n: usize| [0, 0, 0, 4, 0, 0, 0, 0, 0].repeat(n);
    let goaway = [&settings(1)[..], &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11]].concat();
    for (what, bytes) in [
        ("garbage", vec![0xff; 4096]),
        ("zeroes", vec![0; 4096]),
        ("HTTP/1.1", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec()),
        ("a frame of 16 MiB", [&settings(1)[..], &[0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1], &[0; 100]].concat()),
        ("a farewell", goaway),
    ] {
        let run = says(bytes, false).run(&["list", "--wait-timeout", "30s"]);
        assert_eq!(run.code, 4, "{what}: {}", run.all());
        assert!(run.stderr.starts_with("error: ") && run.stderr.contains("help: "), "{what}: {}", run.all());
        harmless(&run);
    }
}

#[test]
fn what_never_ends_ends_here() {
    let frame = |kind: u8, flags: u8, stream: u8, payload: &[u8]| {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
    };
    for (what, bytes, code) in [
        ("SETTINGS", frame(4, 0, 0, &[]), 124),
        ("PING", frame(6, 0, 0, &[0; 8]), 124),
        ("acknowledged PING", frame(6, 1, 0, &[0; 8]), 124),
        ("WINDOW_UPDATE of nothing", frame(8, 0, 0, &[0; 4]), 4),
    ] {
        let place = says(bytes.repeat(100), true);
        let run = place.run(&["list", "--wait-timeout", "1s"]);
        assert_eq!(run.code, code, "{what}: {}", run.all());
        assert!(run.stderr.contains("help: "), "{what}: {}", run.all());
    }
    // A body of one answer that goes on for ever, byte by byte within its length: either the time is over first, or the patience of h2.
    let trickle = Lie { endless: true, body: vec![0; 5], ..Lie::new(Vec::new()) };
    let run = tells(trickle).run(&["list", "--wait-timeout", "1s"]);
    assert!(matches!(run.code, 124 | 4), "{}", run.all());
    // Lines that are kept, more than anybody keeps.
    let lines = framed(&v1::LogLine { message: "x".repeat(4096), ..v1::LogLine::default() });
    let endless = Lie { endless: true, ..Lie::new(lines) };
    let run = tells(endless).run(&["logs", "x"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert_snapshot!(run.stderr, @"
    error: logs: valord sends more than it can have kept
      help: is this valord's control socket? see --control; to go on with new lines use --follow
    ");
}

#[test]
fn completion_types_names_only() {
    let plugin = |name: &str| v1::Plugin { name: name.into(), state: evil("state"), ..Default::default() };
    let plugins = vec![
        plugin("good"),
        plugin("$(touch pwned)"),
        plugin("g;reboot"),
        plugin("g\u{1b}[2J"),
        plugin("g x"),
    ];
    let place = tells(Lie::new(framed(&v1::ListResponse { plugins })));
    for shell in ["bash", "zsh", "fish"] {
        let socket = place.socket();
        let env = [
            ("COMPLETE", shell),
            ("_CLAP_COMPLETE_INDEX", "2"),
            ("_CLAP_IFS", "\n"),
            ("VALOR_CONTROL", socket.to_str().unwrap()),
        ];
        let run = common::run(place.dir.path(), ["--", "valorctl", "inspect", ""], &env);
        assert_eq!(run.code, 0, "{shell}: {}", run.all());
        let offered: Vec<_> = run.stdout.lines().filter(|line| !line.starts_with('-')).collect();
        assert!(offered.len() == 1 && offered[0].starts_with("good"), "{shell}: {offered:?}");
        harmless(&run);
    }
    // A line that is no UTF-8.
    let bytes = std::ffi::OsStr::from_bytes(b"--control=/no/\xff");
    let words = [std::ffi::OsStr::new("--"), "valorctl".as_ref(), bytes, "inspect".as_ref(), "".as_ref()];
    let env = [("COMPLETE", "bash"), ("_CLAP_COMPLETE_INDEX", "3"), ("_CLAP_IFS", "\n")];
    let run = common::run(place.dir.path(), words, &env);
    assert!(!run.stderr.contains("panicked"), "{}", run.all());
}

// ---- files

#[test]
fn artifacts_that_are_no_files_are_told_at_once() {
    let fake = Fake::start();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        fake.path("fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    std::fs::create_dir(fake.path("dir")).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(fake.path("socket")).unwrap();
    for verb in ["register", "check"] {
        for (file, code, said) in [
            ("fifo", 2, "not a regular file"),
            ("dir", 2, "not a regular file"),
            ("/dev/zero", 2, "not a regular file"),
            ("/dev/null", 2, "not a regular file"),
            ("socket", 1, "No such device or address"),
            ("missing", 3, "No such file"),
        ] {
            let run = fake.run([verb, file]);
            assert_eq!(run.code, code, "{verb} {file}: {}", run.all());
            assert!(run.stderr.starts_with(&format!("error: read {file}: ")), "{}", run.stderr);
            assert!(run.stderr.contains(said), "{}", run.stderr);
        }
    }
    let large = std::fs::File::create(fake.path("large.so")).unwrap();
    large.set_len(valor_control::MAX_ARTIFACT + 1).unwrap();
    assert_snapshot!(fake.run(["register", "large.so"]).all(), @"
    exit 2
    --- stderr
    error: read large.so: 536870913 bytes are more than 536870912
      help: strip the library of its debug information
    ");
    assert!(fake.uploads().is_empty());
}

#[test]
fn a_file_that_may_not_be_read_says_so() {
    let fake = Fake::start();
    let file = fake.file("lib.so", b"x");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    if rustix::process::geteuid().is_root() {
        // Root may read everything; a file of the kernel's that nobody may read to its end does as well.
        let run = fake.run(["register", "/proc/self/mem"]);
        assert_eq!(run.code, 1, "{}", run.all());
        assert!(run.stderr.starts_with("error: read /proc/self/mem: "), "{}", run.stderr);
    } else {
        let run = fake.run(["register", &file]);
        assert_eq!(run.code, 1, "{}", run.all());
        assert!(run.stderr.contains("Permission denied"), "{}", run.stderr);
    }
    assert!(fake.uploads().is_empty());
}

/// A daemon that takes the upload only when it is told to.
#[test]
fn a_file_that_changes_while_it_is_sent_is_told_by_its_name() {
    let fake = Fake::start();
    let file = fake.file("lib.so", &vec![b'a'; 8 << 20]);
    let socket = fake.path("control.sock");
    for (change, name) in [(true, "hold-changed"), (false, "hold-same")] {
        let mut command = common::command(
            fake.dir.path(),
            ["register", file.as_str(), "--name", name],
            &[("VALOR_CONTROL", socket.to_str().unwrap())],
        );
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The spec is there, so the file is hashed.
        fake.until_held();
        if change {
            use std::os::unix::fs::FileExt as _;
            let open = std::fs::File::options().write(true).open(&file).unwrap();
            open.write_all_at(b"b", (8 << 20) - 1).unwrap();
        }
        fake.release();
        let run = common::finish(fake.dir.path(), child.wait_with_output().unwrap());
        if change {
            assert_snapshot!(run.all(), @"
            exit 1
            --- stderr
            error: read [DIR]/lib.so: it changed while it was sent; send it again when it is finished
            ");
        } else {
            assert_eq!(run.code, 0, "{}", run.all());
        }
    }
}

#[test]
fn paths_need_not_be_text() {
    let fake = Fake::start();
    let name = std::ffi::OsStr::from_bytes(b"lib\xff\x1b[2J.so");
    let path = fake.dir.path().join(name);
    std::fs::write(&path, b"x").unwrap();
    let run = fake.run([std::ffi::OsStr::new("register"), path.as_os_str()]);
    assert_eq!(run.code, 0, "{}", run.all());
    let missing = Path::new(std::ffi::OsStr::from_bytes(b"no\xff\x1b[2J\n.so"));
    let run = fake.run([std::ffi::OsStr::new("check"), missing.as_os_str()]);
    assert_eq!(run.code, 3, "{}", run.all());
    harmless(&run);
    let control = std::ffi::OsStr::from_bytes(b"/no/\xff\x1b[2J/control.sock");
    let run = fake.run([std::ffi::OsStr::new("list"), "--control".as_ref(), control]);
    assert_eq!(run.code, 4, "{}", run.all());
    harmless(&run);
    let config = std::ffi::OsStr::from_bytes(b"\"\xff\"");
    let run = fake.run([std::ffi::OsStr::new("register"), "lib.so".as_ref(), "--config".as_ref(), config]);
    assert_eq!(run.code, 2, "{}", run.all());
}

#[test]
fn a_full_disk_is_a_failure_and_a_closed_pipe_is_none() {
    let fake = Fake::start();
    let socket = fake.path("control.sock");
    let env = [("VALOR_CONTROL", socket.to_str().unwrap())];
    for args in
        [&["list"][..], &["inspect", "hello"], &["info"], &["logs", "hello"], &["completions", "bash"]]
    {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = common::command(fake.dir.path(), args, &env);
        let output = command.stdout(full).stderr(Stdio::piped()).output().unwrap();
        let run = common::finish(fake.dir.path(), output);
        assert_eq!(run.code, 1, "{args:?}: {}", run.all());
        assert!(run.stderr.contains("write the result: No space left on device"), "{}", run.stderr);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = common::command(fake.dir.path(), args, &env);
        let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let run = common::finish(fake.dir.path(), output);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{args:?}");
    }
}
