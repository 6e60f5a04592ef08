//! Names, prefixes and configurations that no plugin can have: refused before anything is started, in the same words at
//! both ends.

use tonic_types::StatusExt as _;

use crate::artifacts::built;
use crate::client::{self, Spec};
use crate::ctl::valorctl;
use crate::daemon::{Daemon, directory};
use crate::harness::Valord;
use crate::listing::{listing, until_as_before};
use crate::neighbour::Neighbour;
use crate::unusable::{ENTRY, Workshop};

const MISFIT: &str = "use letters, digits and -._~!$&'()*+,;=:@";

/// What makes a registration malformed: the field, and what is said of it.
fn malformed() -> Vec<(Spec, &'static str, String)> {
    let hello = built("libhello_c_plugin.so");
    let spec = |change: &dyn Fn(&mut valor_control::v1::PluginSpec)| Spec::new(&hello, "x").change(change);
    let mut all = Vec::new();
    for (prefix, why) in [
        ("x", "does not start with a slash: write it as \"/x\"".to_owned()),
        ("//", "has an empty segment: remove the doubled slash".to_owned()),
        ("/a//b", "has an empty segment: remove the doubled slash".to_owned()),
        ("/a/../b", "has a dot segment: write the path that is meant".to_owned()),
        ("/.", "has a dot segment: write the path that is meant".to_owned()),
        ("/%41", format!("has the character '%': {MISFIT}")),
        ("/a b", format!("has the character ' ': {MISFIT}")),
        ("/a?b", format!("has the character '?': {MISFIT}")),
        ("/a\\b", format!("has the character '\\\\': {MISFIT}")),
        ("/a\nb", format!("has the character '\\n': {MISFIT}")),
        ("/ä", format!("has the character 'ä': {MISFIT}")),
        ("/_health", "is reserved: first segments that begin with an underscore belong to valord".to_owned()),
        ("/_/a", "is reserved: first segments that begin with an underscore belong to valord".to_owned()),
        (&format!("/{}", "a".repeat(256)), "is too long: at most 256 bytes and 16 segments".to_owned()),
        (&"/a".repeat(17), "is too long: at most 256 bytes and 16 segments".to_owned()),
    ] {
        all.push((spec(&|spec| spec.prefix = prefix.to_owned()), "prefix", why));
    }
    let charset = "only lower-case letters, digits, `-`, `_` and `.` may stand in it";
    for (name, why) in [
        ("Hello", "it must begin with a lower-case letter or a digit"),
        ("../x", "it must begin with a lower-case letter or a digit"),
        (".x", "it must begin with a lower-case letter or a digit"),
        ("a/b", charset),
        ("a b", charset),
        ("a\u{1b}[2J", charset),
        ("aä", charset),
        (&"x".repeat(65), "it is longer than 64 bytes"),
    ] {
        let why = format!("{name:?} is not allowed: {why}");
        all.push((spec(&|spec| spec.name = name.to_owned()), "name", why));
    }
    for (config, why) in [
        (
            "Alice",
            "is no JSON (expected value at line 1 column 1); a plain text needs its quotes: '\"text\"'",
        ),
        (
            "{",
            "is no JSON (EOF while parsing an object at line 1 column 1); a plain text needs its quotes: '\"text\"'",
        ),
        (
            "{} {}",
            "is no JSON (trailing characters at line 1 column 4); a plain text needs its quotes: '\"text\"'",
        ),
    ] {
        all.push((spec(&|spec| spec.config = config.to_owned()), "config", why.to_owned()));
    }
    all
}

#[tokio::test]
async fn what_is_malformed_is_refused_field_by_field() {
    let valord = Valord::start().await;
    let neighbour = Neighbour::register(valord.control.clone(), valord.address).await;
    let state = valord.dir.path().join("state");
    let before = listing(&state);
    for (spec, field, why) in malformed() {
        let refused = valord.try_register(spec).await.expect_err(&why);
        assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{refused}");
        let violations = refused.get_details_bad_request().unwrap().field_violations;
        let told: Vec<_> = violations.iter().map(|v| (v.field.as_str(), v.description.as_str())).collect();
        let [(told_field, told_why)] = told[..] else { panic!("{told:?}") };
        assert_eq!(told_field, field);
        assert!(told_why.ends_with(&why), "{told_why:?} instead of {why:?}");
        assert_eq!(listing(&state), before, "{why}");
    }
    neighbour.was_served().await;
    valord.stop().await;
}

#[tokio::test]
async fn what_is_taken_is_refused_and_its_owner_goes_on() {
    let dir = directory();
    let daemon = Daemon::start(dir.path()).await;
    let (control, state) = (dir.path().join("control.sock"), dir.path().join("state"));
    let neighbour = Neighbour::register(daemon.control.clone(), daemon.address).await;
    let (before, processes) = (listing(&state), daemon.processes());
    let hello = built("libhello_c_plugin.so");
    let hello = hello.to_str().unwrap();
    for (args, said) in [
        (
            &["--name", "neighbour", "--prefix", "/else"][..],
            "error: name: there is a plugin neighbour already\n  help: change it with `valorctl replace`, take its place \
             with --replace, or choose another name with --name\n",
        ),
        (
            &["--name", "other", "--prefix", "/neighbour/"],
            "error: prefix: the prefix /neighbour belongs to the plugin neighbour\n  help: choose another with --prefix, or \
             unregister that plugin\n",
        ),
    ] {
        let refused = valorctl(&control, ["register", hello].iter().chain(args)).await;
        assert_eq!((refused.code, &*refused.stderr, &*refused.stdout), (5, said, ""), "{args:?}");
        until_as_before(&state, &before).await;
        daemon.until_processes(&processes).await;
    }
    for path in ["/else", "/other"] {
        let nothing = client::send(daemon.address, client::request("GET", path, "")).await.unwrap();
        assert_eq!(nothing.status(), 404, "{path}");
    }
    // Both are told offline, too.
    for args in [["--prefix", "/_health"], ["--prefix", "/a//b"], ["--name", "No"], ["--config", "Alice"]] {
        let refused = valorctl(&control, ["register", hello].iter().chain(&args)).await;
        assert_eq!(refused.code, 2, "{args:?}: {}", refused.stderr);
    }
    // Beneath another's prefix there is room.
    let below = valorctl(&control, ["register", hello, "--name", "below", "--prefix", "/neighbour/below"]);
    assert_eq!(below.await.code, 0);
    neighbour.was_served().await;
}

/// An author names a plugin, too, and the file does; the operator has the last word.
#[tokio::test]
async fn a_malformed_name_of_the_manifest_or_of_the_file_is_refused() {
    let dir = directory();
    let daemon = Daemon::start(dir.path()).await;
    let (control, state) = (dir.path().join("control.sock"), dir.path().join("state"));
    let neighbour = Neighbour::register(daemon.control.clone(), daemon.address).await;
    let before = listing(&state);
    let manifest = "__attribute__((section(\"valor-manifest\"), used)) static const char m[] = ";
    let named = format!("{ENTRY}{manifest}\"{{\\\"name\\\":\\\"../up\\\"}}\";");
    let shop = directory();
    let shop = Workshop(shop.path());
    for (file, why) in [
        (
            shop.library("named.so", &named, &[]),
            "the manifest's \"../up\" is not allowed: it must begin with a lower-case letter or a digit; give another with \
             --name",
        ),
        (shop.library(".so", ENTRY, &[]), "the file \".so\" suggests none; give one with --name"),
    ] {
        let refused = valorctl(&control, ["register", file.to_str().unwrap()]).await;
        let said = format!("error: name: one field is wrong\n  name: {why}\n");
        assert_eq!((refused.code, refused.stderr), (2, said));
        until_as_before(&state, &before).await;
    }
    neighbour.was_served().await;
}

#[tokio::test]
async fn of_many_at_once_one_wins() {
    let valord = Valord::start().await;
    let neighbour = Neighbour::register(valord.control.clone(), valord.address).await;
    let hello = built("libhello_c_plugin.so");
    let code = |result: &Result<_, tonic::Status>| result.as_ref().err().map(tonic::Status::code);
    let race = (0..10).map(|_| valord.try_register(Spec::new(&hello, "name")));
    let all = futures_util::future::join_all(race).await;
    assert_eq!(all.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(all.iter().filter_map(code).all(|code| code == tonic::Code::AlreadyExists), "{all:?}");
    let race = (0..10).map(|n| {
        let spec = Spec::new(&hello, &format!("p{n}")).change(|spec| spec.prefix = "/shared".to_owned());
        valord.try_register(spec)
    });
    let all = futures_util::future::join_all(race).await;
    assert_eq!(all.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(all.iter().filter_map(code).all(|code| code == tonic::Code::AlreadyExists), "{all:?}");
    assert_eq!(valord.get("/name").await.status, 200);
    assert_eq!(valord.get("/shared").await.status, 200);
    let files = std::fs::read_dir(valord.dir.path().join("state/plugins")).unwrap().count();
    assert_eq!(files, 3);
    neighbour.was_served().await;
    valord.stop().await;
}
