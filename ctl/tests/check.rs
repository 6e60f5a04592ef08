//! `check`: without a daemon, over a shim that says what the test wants.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::{Run, run, script, shim};
use insta::assert_snapshot;

fn check(json: &str, more: &[&str]) -> Run {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("libx.so"), b"x").unwrap();
    let shim = shim(dir.path(), json);
    run(dir.path(), ["check", "libx.so", "--shim", &shim].iter().chain(more), &[])
}

const GOOD: &str = r#"{"kind":"native","arch":"x86_64","problem":null,
    "libraries":[{"soname":"libm.so.6","path":"/lib/libm.so.6"},{"soname":"libz.so.1","path":"/lib/libz.so.1"}],
    "manifest":{"manifest":1,"name":"hello","version":"0.1.0","abi":1,"sdk":"valor 0.1.0",
        "permissions":{"net":["example.org"],"read":[],"write":[],"env":["TZ"]},"config_schema":null}}"#;
const BAD: &str = r#"{"kind":"native","arch":"aarch64","libraries":[],"manifest":null,
    "problem":{"step":"architecture","message":"built for aarch64, this machine is x86_64","cure":"build it for x86_64"}}"#;

#[test]
fn a_good_one() {
    assert_snapshot!(check(GOOD, &[]).all(), @"
    exit 0
    --- stdout
    file:       libx.so
    kind:       native x86_64
    name:       hello 0.1.0
    sdk:        valor 0.1.0
    wants:      --allow-net example.org --allow-env TZ
    libraries:  libm.so.6 (/lib/libm.so.6)
                libz.so.1 (/lib/libz.so.1)
    loads:      yes
    ");
    assert_eq!(check(GOOD, &["-o", "name"]).stdout, "hello\n");
    let json = check(GOOD, &["-o", "json"]).json();
    assert_eq!((&json["ok"], &json["file"]), (&true.into(), &"libx.so".into()));
    assert_eq!(json["manifest"]["permissions"]["net"][0], "example.org");
    assert_eq!(json["libraries"][0]["soname"], "libm.so.6");
}

#[test]
fn a_bad_one_is_1_with_step_and_cure() {
    assert_snapshot!(check(BAD, &[]).all(), @"
    exit 1
    --- stdout
    file:      libx.so
    kind:      native aarch64
    manifest:  none
    wants:     nothing
    loads:     no
    --- stderr
    error: architecture: built for aarch64, this machine is x86_64
      help: build it for x86_64
    ");
    let run = check(BAD, &["-o", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (1, ""));
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&json["ok"], &json["problem"]["step"]), (&false.into(), &"architecture".into()));
}

#[test]
fn shims_that_fail() {
    assert_snapshot!(check("no json", &[]).all(), @"
    exit 1
    --- stderr
    error: inspect: the report of valor-shim is no JSON: expected ident at line 1 column 2
      help: install valorctl and valor-shim from one release
    ");
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("libx.so"), b"x").unwrap();
    let run_with = |shim: &str| run(dir.path(), ["check", "libx.so", "--shim", shim], &[]);
    let path = script(dir.path(), "echo 'error: read: not an ELF file' >&2\nexit 1\n");
    assert_snapshot!(run_with(&path).all(), @"
    exit 1
    --- stderr
    error: inspect: read: not an ELF file
    ");
    assert_eq!(run_with("./no-such-shim").code, 1);
    assert_eq!(run(dir.path(), ["check", "nope.so", "--shim", &path], &[]).code, 3);
}

#[test]
fn the_artifact_is_the_shims_stdin_and_its_environment_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("libx.so"), b"the bytes").unwrap();
    let body = "read -r line\nprintf '{\"kind\":\"%s\",\"arch\":\"%s\"}' \"$line\" \"$SECRET\"\n";
    let path = script(dir.path(), body);
    let json =
        run(dir.path(), ["check", "libx.so", "--shim", &path, "-o", "json"], &[("SECRET", "s")]).json();
    assert_eq!((&json["kind"], &json["arch"]), (&"the bytes".into(), &"".into()));
}
