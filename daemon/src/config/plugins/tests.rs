//! Files as people write them, well and badly.

use super::*;

fn parse(text: &str) -> Result<PluginsFile, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("libhello_plugin.so"), "").unwrap();
    std::fs::write(dir.path().join("own.so"), "").unwrap();
    let file = dir.path().join("plugins.json");
    let parsed = PluginsFile::parse(
        &file,
        text,
        &Limits::default(),
        &[dir.path().join("none"), dir.path().to_owned()],
    );
    // The directory has a random name.
    let short = |path: &Path| path.strip_prefix(dir.path()).map(Path::to_owned).unwrap_or_default();
    parsed.map(|mut parsed| {
        parsed.entries.iter_mut().for_each(|entry| entry.path = short(&entry.path));
        parsed
    })
}

fn refusal(entry: &str) -> String {
    let file = parse(&format!("{{\"plugins\":[{entry}]}}")).unwrap();
    assert!(file.entries.is_empty(), "{:?}", file.entries);
    file.refused[0].to_string()
}

#[test]
fn the_originals_format_is_understood() {
    let text = r#"{"plugins":[{"type":"native","name":"hello","path":"hello_plugin","prefix":"/hi","config":"Alice"}]}"#;
    let file = parse(text).unwrap();
    assert!(file.refused.is_empty(), "{:?}", file.refused);
    let expected = PluginEntry {
        name: "hello".into(),
        kind: Some(valor_control::kind::Kind::Native),
        prefix: "/hi".into(),
        path: "libhello_plugin.so".into(),
        config: "Alice".into(),
        limits: Limits::default(),
        grants: Grants::default(),
        grant_requested: false,
    };
    assert_eq!(file.entries, [expected]);
}

#[test]
fn toml_says_the_same_and_more() {
    let text = r#"
        [[plugins]]
        name = "bob"
        path = "own.so"
        config = { greeting = "Bob" }
        limits = { timeout = "2s", memory = "64MiB" }
        grants = { net = ["example.org"], env = ["A=1"] }
        grant_requested = true
    "#;
    let file = parse(text).unwrap();
    assert!(file.refused.is_empty(), "{:?}", file.refused);
    let bob = &file.entries[0];
    assert_eq!((bob.prefix.as_str(), bob.path.to_str()), ("/bob", Some("own.so")));
    assert_eq!(bob.config, serde_json::json!({"greeting": "Bob"}));
    assert_eq!(bob.limits.timeout, std::time::Duration::from_secs(2));
    assert_eq!(bob.limits.memory, 64 << 20);
    assert_eq!(bob.limits.concurrency, Limits::default().concurrency);
    assert_eq!(bob.grants.net, ["example.org"]);
    assert!(bob.grant_requested);
}

#[test]
fn what_only_toml_has_reaches_the_plugin_as_it_is_written() {
    let text = "[[plugins]]\nname = \"a\"\npath = \"own.so\"\nconfig = { since = 1979-05-27T07:32:00Z, at = [07:32:00] }\n\
        [[plugins]]\nname = \"b\"\npath = \"own.so\"\nconfig = [nan]\n";
    let file = parse(text).unwrap();
    let config = serde_json::json!({"since": "1979-05-27T07:32:00Z", "at": ["07:32:00"]});
    assert_eq!(file.entries.len(), 1);
    assert_eq!(file.entries[0].config, config);
    let refused = file.refused[0].to_string();
    assert!(
        refused.ends_with("plugins[1]: entry: NaN is no number to a plugin: write it as a string"),
        "{refused}"
    );
}

#[test]
fn a_bad_entry_does_not_stop_the_others() {
    let text = r#"{"plugins":[
        {"name":"a","path":"none_such"},
        {"name":"b","path":"hello_plugin"},
        {"name":"b","path":"own.so","prefix":"/c"},
        {"name":"c","path":"own.so","prefix":"/b/"},
        7
    ]}"#;
    let file = parse(text).unwrap();
    assert_eq!(file.entries.len(), 1);
    let refused: Vec<String> = file.refused.iter().map(ToString::to_string).collect();
    for (message, parts) in refused.iter().zip([
        &["plugins[0] (a): path: ", "libnone_such.so", "plugin_dir"][..],
        &["plugins[2] (b): name: ", "taken by an earlier entry"],
        &["plugins[3] (c): prefix: ", "taken by b"],
        &["plugins[4]: entry: ", "invalid type"],
    ]) {
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
    assert_eq!(refused.len(), 4);
}

#[test]
fn errors_name_the_key_and_the_cure() {
    for (entry, parts) in [
        (r#"{"name":"a","path":"own.so","prefx":"/a"}"#, ["plugins[0] (a)", "did you mean `prefix`?"]),
        (r#"{"path":"own.so"}"#, ["plugins[0]: entry", "missing field `name`"]),
        (r#"{"name":"a","path":"own.so","type":"elf"}"#, ["unknown value `elf`", "native"]),
        (r#"{"name":"A","path":"own.so"}"#, ["name: \"A\" is not allowed", "lower-case"]),
        (r#"{"name":"a","path":"own.so","prefix":"a"}"#, ["prefix: ", "\"/a\""]),
        (r#"{"name":"a","path":"own.so","prefix":"/_a"}"#, ["prefix: ", "reserved"]),
        (r#"{"name":"a","path":"dir/own.so"}"#, ["path: ", "is no file"]),
        (r#"{"name":"a","path":""}"#, ["path: ", "is no file"]),
        (r#"{"name":"a","path":"own.so","limits":{"timeout":"soon"}}"#, ["\"soon\" is no time", "30s"]),
        (
            r#"{"name":"a","path":"own.so","limits":{"instances":0}}"#,
            ["limits.instances", "between 1 and 64"],
        ),
        (r#"{"name":"a","path":"own.so","limits":{"memry":1}}"#, ["memry", "did you mean `memory`?"]),
        (
            r#"{"name":"a","path":"own.so","grants":{"net":["x","http://y"]}}"#,
            ["grants.net[1]", "write host:port"],
        ),
        (r#"{"name":"a","path":"own.so","grants":{"read":["x"]}}"#, ["grants.read[0]", "absolute"]),
    ] {
        let message = refusal(entry);
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
}

#[test]
fn what_is_no_file_of_plugins_is_refused_with_its_place() {
    for (text, parts) in [
        ("{\"plugins\":\n[{]}", ["plugins.json:2:3: ", "key must be a string"]),
        ("{\"plugin\":[]}", ["unknown key `plugin`", "did you mean `plugins`?"]),
        ("{}", ["plugins.json:1:2: ", "missing field `plugins`"]),
        ("[[plugins]]\nname = ", ["plugins.json:2:", ""]),
        ("", ["missing field `plugins`", ""]),
        ("{\"plugins\":[]} x", ["trailing characters", ""]),
    ] {
        let message = parse(text).unwrap_err().to_string();
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
    let missing =
        PluginsFile::read(Path::new("/none/such.json"), &Limits::default(), &[]).unwrap_err().to_string();
    assert!(missing.contains("cannot read /none/such.json"), "{missing}");
}
