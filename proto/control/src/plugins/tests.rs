//! Files as people write them, well and badly.

use serde_json::json;

use super::*;
use crate::engine::Engine;
use crate::kind::Kind;
use crate::units::{Cores, Size, Span};
use crate::v1;
use crate::web::Mode;

fn entries(text: &str) -> Vec<Entry> {
    let file = PluginsFile::parse(text).unwrap();
    assert!(file.refused.is_empty(), "{:?}", file.refused);
    file.entries.into_iter().map(|listed| listed.entry).collect()
}

fn refusals(text: &str) -> Vec<String> {
    PluginsFile::parse(text).unwrap().refused.iter().map(ToString::to_string).collect()
}

fn refusal(entry: &str) -> String {
    let file = PluginsFile::parse(&format!("{{\"plugins\":[\n{entry}]}}")).unwrap();
    assert!(file.entries.is_empty(), "{:?}", file.entries);
    file.refused[0].to_string()
}

#[test]
fn the_originals_format_is_understood() {
    let text = r#"{"plugins":[{"type":"native","name":"hello","path":"hello_plugin","prefix":"/hi","config":"Alice"}]}"#;
    let expected = Entry {
        name: "hello".into(),
        kind: Some(Kind::Native),
        path: Some("hello_plugin".into()),
        prefix: Some("/hi".into()),
        config: "Alice".into(),
        ..Entry::default()
    };
    assert_eq!(entries(text), [expected]);
}

#[test]
fn a_key_stands_once() {
    for (text, line) in [
        ("{\"plugins\":[{\"name\":\"a\",\"path\":\"a.so\",\n\"path\":\"b.so\"}]}", 2),
        (
            "{\"plugins\":[{\"name\":\"a\",\"path\":\"a.so\",\"config\":{\"path\":[{\"b\":1,\n\"path\":1,\"path\":1}]}}]}",
            2,
        ),
        ("{\"plugins\":[],\n\n\"plugins\":[]}", 3),
    ] {
        let wrong = PluginsFile::parse(text).unwrap_err();
        assert!(wrong.reason.contains("stands here twice"), "{wrong}");
        assert_eq!(wrong.place.0, line, "{wrong}");
    }
    assert!(PluginsFile::parse("[[plugins]]\nname = \"a\"\nname = \"b\"").is_err());
}

#[test]
fn toml_says_the_same_and_more() {
    let text = r#"
        #:schema plugins.schema.json
        [[plugins]]
        name = "bob"
        path = "own.so"
        probe = "/health"
        disabled = true
        config = { greeting = "Bob" }
        limits = { timeout = "2s", total_timeout = 0, memory = "64MiB", queue = 0 }
        grants = { net = ["example.org"], env = ["A=1"] }
        grant_requested = true
    "#;
    let bob = &entries(text)[0];
    assert_eq!((bob.prefix.as_deref(), bob.probe.as_deref()), (Some("/bob"), Some("/health")));
    assert_eq!(bob.config, json!({"greeting": "Bob"}));
    assert!(bob.grant_requested && bob.disabled);
    let spec = bob.spec();
    let limits = spec.limits.unwrap();
    assert_eq!((limits.timeout_ms, limits.total_timeout_ms, limits.idle_timeout_ms), (2000, Some(0), 0));
    assert_eq!((limits.memory, limits.queue, limits.max_body), (64 << 20, Some(0), None));
    let grants = spec.grants.unwrap();
    assert_eq!((grants.net, grants.env), (vec!["example.org".to_owned()], vec!["A=1".to_owned()]));
    assert_eq!((spec.config.as_str(), spec.disabled), (r#"{"greeting":"Bob"}"#, true));
}

#[test]
fn what_only_toml_has_reaches_the_plugin_as_it_is_written() {
    let text = "[[plugins]]\nname = \"a\"\npath = \"own.so\"\n\
        config = { since = 1979-05-27T07:32:00Z, at = [07:32:00], hex = 0xff, big = 9223372036854775807 }\n";
    let config = json!({
        "since": "1979-05-27T07:32:00Z", "at": ["07:32:00"], "hex": 255, "big": 9_223_372_036_854_775_807_u64
    });
    assert_eq!(entries(text)[0].config, config);
    let error = PluginsFile::parse("[[plugins]]\nname = \"b\"\nconfig = [nan]\n").unwrap_err().to_string();
    assert_eq!(error, "3:11: nan is no number to a plugin: write it as a string");
}

#[test]
fn a_bad_entry_does_not_stop_the_others() {
    let text = r#"{"$schema": "x", "plugins":[
        {"name":"a","path":"none_such","prefx":"/a"},
        {"name":"b","path":"hello_plugin"},
        {"name":"b","path":"own.so","prefix":"/c"},
        {"name":"c","path":"own.so",
           "prefix":"/b/"},
        7
    ]}"#;
    let file = PluginsFile::parse(text).unwrap();
    assert_eq!(file.entries.len(), 1);
    assert_eq!(
        refusals(text),
        [
            "2:48: a: prefx: unknown key `prefx`: did you mean `prefix`?",
            "4:17: b: name: \"b\" is taken by an earlier entry: choose another",
            "6:21: c: prefix: \"/b\" is taken by b: choose another",
            "7:9: invalid type: integer `7`, expected struct Entry",
        ]
    );
    for (name, may) in [("a", true), ("b", true), ("c", true), ("d", true)] {
        assert_eq!(file.may_name(name), may, "{name}: the last entry could be any");
    }
    let file = PluginsFile::parse(r#"{"plugins":[{"name":"a"},{"name":"b","path":"x"}]}"#).unwrap();
    assert!(file.may_name("a") && file.may_name("b") && !file.may_name("c"));
}

#[test]
fn errors_name_the_place_the_key_and_the_cure() {
    let hash = "ab".repeat(32);
    for (entry, parts) in [
        (r#"{"path":"own.so"}"#, ["2:1: missing field `name`", ""]),
        (r#"{"name":"a"}"#, ["2:1: a: ", "missing field `path`"]),
        (
            r#"{"name":"a","path":"own.so","type":"cobol"}"#,
            ["2:36: a: type: unknown value `cobol`", "native"],
        ),
        (r#"{"name":"A","path":"own.so"}"#, ["2:9: A: name: \"A\" is not allowed", "lower-case"]),
        (r#"{"name":"a","path":"own.so","prefix":"a"}"#, ["2:38: a: prefix: \"a\" does not", "\"/a\""]),
        (r#"{"name":"a","path":"own.so","prefix":"/_a"}"#, ["prefix: ", "reserved"]),
        (r#"{"name":"a","path":"own.so","probe":"health"}"#, ["probe: ", "/health"]),
        (r#"{"name":"a","path":7}"#, ["2:20: a: path: invalid type: integer `7`", "string"]),
        (r#"{"name":"a","sha256":"ABC"}"#, ["2:22: a: sha256: ", "64 lower-case"]),
        (
            r#"{"name":"a","path":"x","limits":{"timeout":"soon"}}"#,
            ["2:44: a: limits.timeout: \"soon\" is no time", "30s"],
        ),
        (r#"{"name":"a","path":"x","limits":{"timeout":0}}"#, ["2:44: a: limits.timeout: ", "leave it out"]),
        (r#"{"name":"a","path":"x","limits":{"instances":0}}"#, ["limits.instances: ", "leave it out"]),
        (r#"{"name":"a","path":"x","limits":{"instances":-1}}"#, ["2:46: a: limits.instances: ", "-1"]),
        (
            r#"{"name":"a","path":"x","limits":{"memry":1}}"#,
            ["2:42: a: limits.memry: ", "did you mean `memory`?"],
        ),
        (r#"{"name":"a","path":"x","grants":{"net":["x",7]}}"#, ["2:45: a: grants.net[1]: ", "string"]),
        (r#"{"name":"a","path":"x","config":1,"config_json":"1"}"#, ["config_json: ", "beside `config`"]),
        (r#"{"name":"a","path":"x","config_json":"{"}"#, ["2:38: a: config_json: ", "EOF"]),
    ] {
        let message = refusal(&entry.replace("HASH", &hash));
        assert!(parts.iter().all(|part| message.contains(part)), "{message} for {entry}");
    }
    // The same in TOML, where the key has a place, too.
    assert_eq!(
        refusals("[[plugins]]\nname = \"a\"\npath = \"x\"\n\n[plugins.limits]\n  memry = 1\n"),
        ["6:3: a: limits.memry: unknown key `memry`: did you mean `memory`?"]
    );
    assert_eq!(
        refusals("[[plugins]]\nname = \"a\"\npath = \"x\"\nprefix = \"a\"\n[[plugins]]\npath = \"x\"\n"),
        [
            "4:1: a: prefix: \"a\" does not start with a slash: write it as \"/a\"",
            "5:1: missing field `name`"
        ]
    );
}

#[test]
fn what_another_finds_wrong_has_its_place_too() {
    let text = "[[plugins]]\nname = \"a\"\npath = \"x\"\ngrants.net = [\n  \"a\",\n  \"://\"]\nlimits.timeout = \"2d\"\n";
    let listed = &PluginsFile::parse(text).unwrap().entries[0];
    for (field, said) in [
        ("limits.timeout_ms", "7:8: a: limits.timeout: no"),
        ("grants.net[1]", "6:3: a: grants.net[1]: no"),
        ("grants.env", "4:1: a: grants.env: no"),
        ("config", "1:1: a: config: no"),
        ("", "1:1: a: no"),
    ] {
        assert_eq!(listed.wrong(field, "no").to_string(), said);
    }
}

#[test]
fn what_is_no_file_of_plugins_is_refused_with_its_place() {
    for (text, said) in [
        ("{\"plugins\":\n[{]}", "2:3: key must be a string"),
        ("{\"plugin\":[]}", "1:11: unknown key `plugin`: did you mean `plugins`?"),
        ("{}", "1:1: missing field `plugins`"),
        ("\n[[plugins]]\nname = ", "3:8: "),
        ("[[plugins]]\na = 1\na = 2\n", "3:1: duplicate key"),
        ("", "1:1: missing field `plugins`"),
        ("{\"plugins\":[]} x", "1:16: trailing characters"),
        ("plugins = 1", "1:1: invalid type"),
        (&"[".repeat(1000), "1:3: "),
        (&format!("{{\"plugins\":{}", "[".repeat(1000)), "1:"),
    ] {
        let message = PluginsFile::parse(text).unwrap_err().to_string();
        assert!(message.starts_with(said), "{message}");
    }
}

/// Everything that an entry can say.
fn full() -> Entry {
    Entry {
        name: "full".into(),
        kind: Some(Kind::Native),
        path: Some("libfull.so".into()),
        sha256: Some("cd".repeat(32)),
        prefix: Some("/deep/er".into()),
        probe: Some("/health?x=1".into()),
        engine: Some(Engine::Auto),
        disabled: true,
        grant_requested: true,
        config_json: None,
        limits: Limits {
            timeout: "1500ms".parse().ok(),
            idle_timeout: "2m".parse().ok(),
            total_timeout: Some(Span(std::time::Duration::ZERO)),
            concurrency: Some(7),
            queue: Some(0),
            instances: Some(3),
            memory: Some(Size((64 << 20) + 1)),
            cpu: Some(Cores(1_250)),
            pids: Some(99),
            max_body: Some(Size(0)),
        },
        grants: Grants {
            net: vec!["a.example:443".into()],
            read: vec!["/usr/share".into()],
            write: vec!["/srv/\"quoted\" ä".into()],
            env: vec!["A=\u{1}\n'''\"".into()],
        },
        web: Some(Web {
            mode: Mode::Local,
            config_json: None,
            config: json!({"null": null, "deep": [{"x": 1}]}),
        }),
        config: json!({"s": "multi\nline", "n": [1, -2, 2.5, 1e300, true], "o": {"": {"a.b": []}}, "e": {}}),
    }
}

#[test]
fn what_is_written_reads_back() {
    let configs = [
        json!("text"),
        json!(1.0),
        json!([]),
        json!({}),
        json!({"null": null, "deep": [null, {"x": u64::MAX}]}),
        json!([1, "two", {"three": 3.5}, []]),
        json!("Alice\u{7f}"),
    ];
    let mut all =
        vec![full(), Entry { name: "least".into(), sha256: Some("00".repeat(32)), ..Entry::default() }];
    all[1].prefix = Some("/least".into());
    all[1].web = Some(Web::default());
    for (index, config) in configs.into_iter().enumerate() {
        let (name, prefix) = (format!("c{index}"), Some(format!("/c{index}")));
        all.push(Entry { name, prefix, path: Some("x".into()), config, ..Entry::default() });
    }
    assert_eq!(entries(&to_json(&all).to_string()), all);
    let toml = to_toml(&all).unwrap();
    assert_eq!(entries(&toml), all, "{toml}");
    assert!(toml.contains("config_json = '{\"deep\":[null,"), "TOML has no null: {toml}");
}

#[test]
fn an_entry_and_its_message_say_the_same() {
    let full = full();
    let spec = v1::PluginSpec { file_name: "libfull.so".into(), ..full.spec() };
    assert_eq!(Entry::from(spec), full);
    let least = Entry { name: "x".into(), prefix: Some("/x".into()), ..Entry::default() };
    assert_eq!(Entry::from(least.spec()), least);
}

#[test]
fn libraries_are_found_by_name() {
    let dir = std::env::temp_dir().join(format!("valor-find-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("libhello_plugin.so"), "").unwrap();
    let (nowhere, places) = (Path::new("/no/such"), [Path::new("/no/other").to_owned(), dir.clone()]);
    assert_eq!(find("hello_plugin", nowhere, &places), Ok(dir.join("libhello_plugin.so")));
    assert_eq!(find("libhello_plugin.so", nowhere, &places), Ok(dir.join("libhello_plugin.so")));
    assert_eq!(find("libhello_plugin.so", &dir, &[]), Ok(dir.join("libhello_plugin.so")));
    for (path, part) in
        [("", "is no file"), ("a/b.so", "/no/such/a/b.so is no file"), ("other", "libother.so in /no/other")]
    {
        let error = find(path, nowhere, &places).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(
        [folder(Path::new("a.toml")), folder(Path::new("/x/a.toml"))],
        [Path::new("."), Path::new("/x")]
    );
}

#[test]
fn a_file_without_end_has_one_here() {
    let error = read(Path::new("/dev/zero")).unwrap_err().to_string();
    assert!(error.contains("more than"), "{error}");
}

#[test]
fn editors_get_a_schema_of_every_key() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    assert_eq!((&schema["title"], &schema["additionalProperties"]), (&"plugins file".into(), &false.into()));
    let entry = &schema["$defs"]["Entry"];
    assert_eq!(entry["additionalProperties"], false);
    let written = serde_json::to_value(Entry { config_json: Some(String::new()), ..full() }).unwrap();
    for key in written.as_object().unwrap().keys().map(String::as_str).chain(["type"]) {
        let about = &entry["properties"][key]["description"];
        assert!(about.as_str().is_some_and(|about| !about.is_empty()), "{key}: {about}");
    }
    assert_eq!(entry["required"], json!(["name"]));
}
