//! Flags over environment over file over defaults, and what is said about mistakes.

use clap::Parser as _;

use super::*;
use crate::http::HttpOptions;

fn user() -> Environment {
    Environment {
        root: false,
        runtime_dir: Some("/run/user/7".into()),
        home: Some("/home/u".into()),
        ..Environment::default()
    }
}

fn cli(args: &[&str]) -> Cli {
    Cli::try_parse_from(["valord"].iter().chain(args)).unwrap()
}

fn merge(args: &[&str], text: &str) -> Result<Config, ConfigError> {
    let path = Path::new("/etc/x/valord.toml");
    Config::merge(cli(args), file::File::parse(path, text)?, Some(path), &user())
}

fn error(text: &str) -> String {
    merge(&[], text).unwrap_err().to_string()
}

#[test]
fn nothing_said_is_what_fits_most() {
    let config = Config::load(cli(&[]), &user()).unwrap();
    assert_eq!(config.listen, []);
    assert_eq!(config.control, Path::new("/run/user/7/valor/control.sock"));
    assert_eq!(config.state_dir, Path::new("/home/u/.local/state/valor"));
    assert_eq!(config.limits, Limits::default());
    assert!(config.give_up.is_empty() && config.workers >= 1 && config.allow_private.is_empty());
    let state = Environment { state_home: Some("/s".into()), ..user() };
    assert_eq!(Config::load(cli(&[]), &state).unwrap().state_dir, Path::new("/s/valor"));
    let root = Environment { root: true, ..user() };
    assert_eq!(root.control().unwrap(), Path::new("/run/valor/control.sock"));
    assert_eq!(root.state_dir().unwrap(), Path::new("/var/lib/valor"));
    assert_eq!(root.config_file().unwrap(), Path::new("/etc/valor/valord.toml"));
}

#[test]
fn a_place_that_nobody_knows_is_asked_for() {
    let lost = Environment::default();
    assert!(Config::load(cli(&[]), &lost).unwrap_err().to_string().contains("--control"));
    assert!(Config::load(cli(&["--control", "/c"]), &lost).unwrap_err().to_string().contains("--state-dir"));
    let config = Config::load(cli(&["--control", "/c", "--state-dir", "s"]), &lost).unwrap();
    assert_eq!(config.state_dir, Path::new("s"));
}

#[test]
fn flags_win_over_the_file() {
    let text = r#"
        listen = ["[::1]:80", "127.0.0.1:81"]
        state_dir = "state"
        log_format = "json"
        workers = 3
        drain_timeout = 5
        boot_timeout = "3s"
        plugins = "plugins.json"
        plugin_dir = "/usr/lib/valor"
        plugin_uids = "500000+100"
        trusted_proxies = ["10.0.0.1", "fd00::/8"]
        control = { path = "/run/c.sock", group = "ops" }
        limits = { timeout = "2s", max_body = "1MiB" }
        sandbox = { give_up = ["files-confined"] }
        http = { idle_timeout = "9s", max_head = "8KiB", max_connections = 7 }
        egress = { allow_private = ["10.0.0.0/8"], connect_timeout = "3s" }
    "#;
    let file = merge(&[], text).unwrap();
    assert_eq!(file.listen.len(), 2);
    assert_eq!(file.state_dir, Path::new("/etc/x/state"), "relative to the file");
    assert_eq!(file.plugins.as_deref(), Some(Path::new("/etc/x/plugins.json")));
    assert_eq!((file.log_format, file.workers), (LogFormat::Json, 3));
    assert_eq!((file.control.to_str().unwrap(), file.control_group.as_str()), ("/run/c.sock", "ops"));
    assert_eq!(file.plugin_uids, 500_000..500_100);
    assert_eq!(file.trusted_proxies.len(), 2);
    assert_eq!(file.limits.timeout, Duration::from_secs(2));
    assert_eq!(file.limits.idle_timeout, Limits::default().idle_timeout);
    assert_eq!((file.front.http.idle_timeout, file.front.http.max_head), (Duration::from_secs(9), 8192));
    assert_eq!(file.front.http.write_timeout, HttpOptions::default().write_timeout);
    assert_eq!((file.front.max_connections, file.front.max_connections_per_client), (7, 4));
    assert_eq!(file.give_up, [Property::FilesConfined]);
    assert_eq!((file.connect_timeout, file.boot_timeout), (Duration::from_secs(3), Duration::from_secs(3)));
    let args = [
        "--listen",
        "127.0.0.1:1",
        "--listen",
        "127.0.0.1:2",
        "--control",
        "c",
        "--state-dir",
        "d",
        "--workers",
        "1",
        "--log-format",
        "text",
        "--drain-timeout",
        "1m",
        "--boot-timeout",
        "0",
        "--plugins",
        "p",
        "--shim",
        "s",
    ];
    let flags = merge(&args, text).unwrap();
    assert_eq!(flags.listen, ["127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap()]);
    assert_eq!((flags.control.to_str(), flags.state_dir.to_str()), (Some("c"), Some("d")));
    assert_eq!(
        (flags.log_format, flags.workers, flags.drain_timeout),
        (LogFormat::Text, 1, Duration::from_secs(60))
    );
    assert_eq!(flags.boot_timeout, Duration::ZERO);
    assert_eq!((flags.plugins.unwrap().to_str(), flags.shim.unwrap().to_str()), (Some("p"), Some("s")));
}

#[test]
fn mistakes_name_file_line_key_and_cure() {
    for (text, parts) in [
        ("lissten = []", ["/etc/x/valord.toml:1:1: ", "unknown key `lissten`: did you mean `listen`?"]),
        ("\n[limits]\ntimeuot = 5", [":3:1: ", "did you mean `timeout`?"]),
        ("[tls]\nkey = 1", [":1:2: ", "unknown key `tls`: known here are listen, control"]),
        ("[sandbox]\ngive_up = [\"secomp\"]", [":2:", "unknown value `secomp`: did you mean `seccomp`?"]),
        ("workers = 0", ["workers: ", "between 1 and 256"]),
        ("workers = -1", [":1:11: ", "invalid value"]),
        ("listen = [\"localhost\"]", [":1:", "invalid socket address"]),
        ("drain_timeout = \"soon\"", [":1:", "write for example"]),
        ("limits = { memory = 1 }", ["limits.memory: ", "is not between"]),
        ("limits = { timeout = 0 }", ["limits.timeout: ", "between 1ms and 24h"]),
        ("http = { max_head = \"1MiB\" }", ["http.max_head: ", "between 1024 and 65536"]),
        ("http = { write_timeout = \"2h\" }", ["http.write_timeout: ", "between 1ms and 1h"]),
        ("http = { max_connections = 0 }", ["http.max_connections: ", "between 1 and"]),
        ("max_instances = 65", ["max_instances: ", "65 is not between 1 and 64"]),
        ("max_instances = 2\nlimits = { instances = 3 }", ["max_instances: ", "2 is not between 3 and 64"]),
        ("plugin_uids = \"0+1\"", ["plugin_uids: ", "FIRST+COUNT"]),
        ("trusted_proxies = [\"proxy\"]", ["trusted_proxies: ", "10.0.0.0/8"]),
        ("egress = { allow_private = [\"10/8\"] }", ["egress.allow_private: ", "10.0.0.0/8"]),
        ("listen = [", [":1:", ""]),
    ] {
        let message = error(text);
        assert!(parts.iter().all(|part| message.contains(part)), "{text}: {message}");
    }
    let missing = Config::load(cli(&["--config", "/none/such.toml"]), &user()).unwrap_err().to_string();
    assert!(missing.contains("cannot read /none/such.toml"), "{missing}");
}

#[test]
fn flags_that_make_no_sense_are_refused() {
    for (args, part) in [
        (["--listen", "8080"], "write ADDR:PORT"),
        (["--drain-timeout", "soon"], "30s"),
        (["--log-format", "xml"], "text"),
        (["--workers", "many"], "invalid"),
    ] {
        let message = Cli::try_parse_from(["valord"].iter().chain(&args)).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
    assert!(merge(&["--workers", "1000"], "").is_err());
}

#[test]
fn editors_get_a_schema_of_every_key() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    for key in
        ["listen", "control", "state_dir", "limits", "sandbox", "egress", "plugin_uids", "trusted_proxies"]
    {
        let about = &schema["properties"][key]["description"];
        assert!(about.as_str().is_some_and(|about| !about.is_empty()), "{key}: {about}");
    }
    assert!(schema.to_string().contains("files-confined"));
}

#[test]
fn the_command_line_is_consistent() {
    use clap::CommandFactory as _;
    Cli::command().debug_assert();
}

/// What the packaged file shows as the default is the default.
#[test]
fn the_packaged_file_tells_the_truth() {
    let text = include_str!("../../packaging/valord.toml");
    let plain = merge(&[], text).unwrap();
    let is_key = |line: &&str| line.starts_with('#') && line.contains(" = ");
    // Where plugins and Deno are is shown by example, not by default.
    let shown: Vec<&str> = text
        .lines()
        .filter(is_key)
        .filter(|line| !line.starts_with("#plugin") && !line.starts_with("#deno"))
        .collect();
    assert!(shown.len() > 20, "{shown:?}");
    let uncommented: String = text
        .lines()
        .map(|line| if shown.contains(&line) { &line[1..] } else { line })
        .flat_map(|line| [line, "\n"])
        .collect();
    let expected = Config { listen: vec![DEFAULT_LISTEN], ..plain.clone() };
    assert_eq!(merge(&[], &uncommented).unwrap(), expected);
    assert_eq!(plain, merge(&[], "").unwrap());
}

#[test]
fn cpu_and_pids_have_their_bounds() {
    let limits = merge(&[], "[limits]\ncpu = 0.5\npids = 64\n").unwrap().limits;
    assert_eq!((limits.cpu, limits.pids), (Some(500), 64));
    for (wrong, key) in [("cpu = 0.001", "cpu"), ("cpu = 2000", "cpu"), ("pids = 1", "pids")] {
        let said = error(&format!("[limits]\n{wrong}\n"));
        assert!(said.contains(&format!("limits.{key}")), "{said}");
    }
}
