//! What `register` sends, what it says, and whom it asks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::terminal::{on_terminal, run_on_terminal};
use common::{Fake, shim};
use insta::assert_snapshot;

const WANTS: &str = r#"{"kind":"native","arch":"x86_64","problem":null,"libraries":[],"later":1,
    "manifest":{"name":"hello","version":"0.1.0","permissions":{"net":["example.org:443"],"read":[],"write":["/srv/x"],"env":["HOME"]}}}"#;

#[test]
fn the_file_arrives_whole_in_small_chunks_with_its_hash() {
    let fake = Fake::start();
    let bytes: Vec<u8> = (0..300_001_u32).map(|i| i.to_le_bytes()[1]).collect();
    let file = fake.file("libbig.so", &bytes);
    assert_snapshot!(fake.run(["register", &file, "--prefix", "/big/", "--name", "big"]).all(), @"
    exit 0
    --- stdout
    registered big at /big (ready)
    ");
    let upload = fake.uploads().remove(0);
    assert_eq!(upload.bytes, bytes);
    assert_eq!(upload.largest, valor_control::MAX_CHUNK);
    assert_eq!(upload.spec.size, 300_001);
    use sha2::Digest as _;
    let hash: String = sha2::Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(upload.spec.sha256, hash);
    assert_eq!((upload.spec.file_name.as_str(), upload.spec.prefix.as_str()), ("libbig.so", "/big"));
}

#[test]
fn nothing_is_made_up_for_what_was_not_said() {
    let fake = Fake::start();
    let file = fake.file("libhello.so", b"");
    assert_eq!(fake.run(["register", &file, "-o", "name"]).stdout, "hello\n");
    let upload = fake.uploads().remove(0);
    let spec = valor_control::v1::PluginSpec {
        file_name: "libhello.so".into(),
        sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".into(),
        limits: Some(Default::default()),
        grants: Some(Default::default()),
        ..Default::default()
    };
    assert_eq!(upload.spec, spec);
}

#[test]
fn every_option_has_its_place() {
    let fake = Fake::start();
    let file = fake.file("libhello.so", b"x");
    fake.file("config.json", br#"{"a": 1}"#);
    let run = fake.run([
        "register",
        &file,
        "--prefix",
        "/",
        "--name",
        "n",
        "--config",
        "@config.json",
        "--timeout",
        "500ms",
        "--idle-timeout",
        "5s",
        "--total-timeout",
        "1m",
        "--concurrency",
        "3",
        "--queue",
        "4",
        "--instances",
        "2",
        "--memory",
        "512M",
        "--max-body",
        "1G",
        "--allow-net",
        "a:1",
        "--allow-net",
        "b:2",
        "--allow-read",
        "rel",
        "--allow-write",
        "/abs",
        "--allow-env",
        "A=b",
        "--grant-requested",
        "--replace",
        "-o",
        "json",
    ]);
    assert_eq!(run.json()["replaced"], true);
    let spec = fake.uploads().remove(0).spec;
    assert_eq!((spec.prefix.as_str(), spec.config.as_str()), ("/", r#"{"a": 1}"#));
    let l = spec.limits.unwrap();
    assert_eq!((l.timeout_ms, l.idle_timeout_ms, l.total_timeout_ms()), (500, 5000, 60_000));
    assert_eq!((l.concurrency, l.queue, l.instances, l.memory), (3, Some(4), 2, 512 << 20));
    assert_eq!(l.max_body, Some(1 << 30));
    let g = spec.grants.unwrap();
    assert_eq!((g.net, g.env), (vec!["a:1".into(), "b:2".into()], vec!["A=b".to_owned()]));
    let here = fake.dir.path().canonicalize().unwrap().join("rel");
    assert_eq!((g.read, g.write), (vec![here.to_str().unwrap().to_owned()], vec!["/abs".to_owned()]));
    assert!(spec.grant_requested && spec.replace);
}

#[test]
fn a_zero_that_means_something_arrives() {
    let fake = Fake::start();
    let file = fake.file("libhello.so", b"x");
    assert_eq!(fake.run(["register", &file, "--queue", "0", "--max-body", "0"]).code, 0);
    let limits = fake.uploads().remove(0).spec.limits.unwrap();
    assert_eq!((limits.queue, limits.max_body), (Some(0), Some(0)));
    assert_eq!(limits, valor_control::v1::Limits { queue: Some(0), max_body: Some(0), ..Default::default() });
}

#[test]
fn what_was_not_granted_is_said_and_nobody_is_asked_without_a_terminal() {
    let fake = Fake::start();
    let file = fake.file("libwants.so", b"x");
    let shim = shim(fake.dir.path(), WANTS);
    assert_snapshot!(fake.run(["register", &file, "--shim", &shim]).all(), @"
    exit 0
    --- stdout
    registered hello at /hello (ready)
    --- stderr
    note: it also wants --allow-net example.org:443; register it again with --replace and --grant-requested, or with some of these
    ");
    assert!(!fake.uploads()[0].spec.grant_requested);
    assert_eq!(fake.run(["register", &file, "-q"]).stderr, "");
    let json = fake.run(["register", &file, "-o", "json"]).json();
    assert_eq!(json["not_granted"]["net"][0], "example.org:443");
    assert_eq!(json["name"], "hello");
}

#[test]
fn a_terminal_is_asked() {
    let fake = Fake::start();
    let file = fake.file("libhello.so", b"x");
    let shim = shim(fake.dir.path(), WANTS);
    let args = ["register", &file, "--shim", &shim, "--allow-env", "HOME=/x"];
    for (answer, granted) in [("y\n", true), ("yes\n", true), ("\n", false), ("n\n", false), ("\x04", false)]
    {
        let (seen, code) = on_terminal(&fake, &args, answer);
        assert_eq!(code, 0, "{seen}");
        let question =
            "libhello.so wants:\n  --allow-net example.org:443\n  --allow-write /srv/x\ngrant? [y/N] ";
        assert!(seen.starts_with(question), "{seen:?}");
        assert_eq!(fake.uploads().last().unwrap().spec.grant_requested, granted, "{answer:?}");
    }
}

#[test]
fn a_terminal_is_not_asked_what_is_granted_already() {
    let fake = Fake::start();
    let file = fake.file("libhello.so", b"x");
    let shim = shim(fake.dir.path(), WANTS);
    let all = [
        "register",
        &file,
        "--shim",
        &shim,
        "--allow-env",
        "HOME",
        "--allow-net",
        "example.org:443",
        "--allow-write",
        "/srv/x",
    ];
    assert_eq!(on_terminal(&fake, &all, ""), (String::new(), 0));
    assert_eq!(
        on_terminal(&fake, &["register", &file, "--shim", &shim, "--grant-requested"], ""),
        (String::new(), 0)
    );
}

/// Somebody who waits sees what is done, and it is gone when it is over.
#[test]
fn a_terminal_shows_what_is_under_way() {
    let fake = Fake::start();
    let file = fake.file("libhello.so", &vec![b'x'; 3 << 20]);
    let shim = shim(fake.dir.path(), "{}");
    let (seen, code) = run_on_terminal(&fake, &["register", &file, "--shim", &shim], "", true);
    assert_eq!(code, 0, "{seen:?}");
    assert!(seen.contains("libhello.so: "), "{seen:?}");
    assert!(seen.contains("inspecting"), "{seen:?}");
    let (_, end) = seen.rsplit_once("\x1b[2K").unwrap_or_else(|| panic!("{seen:?}"));
    assert!(end.ends_with("registered hello at /hello (ready)\n"), "{seen:?}");
    for quiet in [&["-q"][..], &["-o", "json"], &["-o", "name"]] {
        let args = [&["register", &file, "--shim", &shim], quiet].concat();
        let (seen, code) = run_on_terminal(&fake, &args, "", true);
        assert_eq!((code, seen.contains("libhello.so: ")), (0, false), "{quiet:?}: {seen:?}");
    }
}
