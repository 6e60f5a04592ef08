//! Every field of a registration at and beyond its limits: each named, with what to write instead.

use tonic::Code;
use tonic_types::StatusExt as _;
use valor_control::v1::{
    Grants, InspectRequest, Limits, LogsRequest, PluginSpec, RestartRequest, UnregisterRequest,
};

use super::{Siege, refused};
use crate::artifacts::built;
use crate::client::Spec;

fn hello(change: impl FnOnce(&mut PluginSpec)) -> Spec {
    Spec::new(built("libhello_c_plugin.so"), "other").change(change)
}

fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

type Change = Box<dyn Fn(&mut PluginSpec)>;

fn change(change: impl Fn(&mut PluginSpec) + 'static) -> Change {
    Box::new(change)
}

fn limits(set: impl Fn(&mut Limits) + 'static) -> Change {
    change(move |spec| set(spec.limits.get_or_insert_default()))
}

fn grants(set: impl Fn(&mut Grants) + 'static) -> Change {
    change(move |spec| set(spec.grants.get_or_insert_default()))
}

fn env(text: &'static str) -> Change {
    grants(move |grants| grants.env = vec![text.into()])
}

fn net(text: &'static str) -> Change {
    grants(move |grants| grants.net = vec![text.into()])
}

fn name(text: impl Into<String>) -> Change {
    let text = text.into();
    change(move |spec| spec.name.clone_from(&text))
}

fn prefix(text: impl Into<String>) -> Change {
    let text = text.into();
    change(move |spec| spec.prefix.clone_from(&text))
}

fn config(text: impl Into<String>) -> Change {
    let text = text.into();
    change(move |spec| spec.config.clone_from(&text))
}

fn wrong() -> Vec<(Change, &'static str, &'static str)> {
    vec![
        (name("UPPER"), "name", "must begin with a lower-case letter or a digit"),
        (name("x".repeat(65)), "name", "longer than 64 bytes"),
        (name("x".repeat(1 << 20)), "name", "longer than 64 bytes"),
        (name("../../etc"), "name", "must begin with"),
        (name("a/b"), "name", "may stand in it"),
        (name("a\nverb=\"unregister\" outcome=\"ok\""), "name", "\\n"),
        (name("a\u{1b}[2J"), "name", "\\u{1b}"),
        (name("a\0"), "name", "may stand in it"),
        (prefix("relative"), "prefix", "write it as"),
        (prefix("/a\n/b"), "prefix", "'\\n'"),
        (prefix("/%2e%2e"), "prefix", "'%'"),
        (prefix("/../.."), "prefix", "dot segment"),
        (prefix("/_health"), "prefix", "belong to valord"),
        (prefix(format!("/{}", "x".repeat(1 << 20))), "prefix", "too long"),
        (prefix("/x".repeat(17)), "prefix", "too long"),
        (config("Alice"), "config", "is no JSON"),
        (config("{\"a\":"), "config", "is no JSON"),
        (config("1e999"), "config", "number out of range"),
        (config("\"\\ud800\""), "config", "is no JSON"),
        (config(nested(65)), "config", "nested 65 levels deep, and 64 are allowed"),
        (config(nested(127)), "config", "nested 127 levels deep"),
        (config(nested(100_000)), "config", "recursion limit"),
        (config(format!("\"{}\"", "x".repeat(512 << 10))), "config", "more than 524288 bytes"),
        // Short as it is written, long as it is kept.
        (config(format!("[{}0]", "1e15,".repeat(60_000))), "config", "more than 524288 bytes"),
        (limits(|limits| limits.timeout_ms = u32::MAX), "limits.timeout_ms", "between 1ms and 24h"),
        (
            limits(|limits| limits.idle_timeout_ms = 86_400_001),
            "limits.idle_timeout_ms",
            "between 1ms and 24h",
        ),
        (
            limits(|limits| limits.total_timeout_ms = Some(u32::MAX)),
            "limits.total_timeout_ms",
            "between 1ms and 24h",
        ),
        (limits(|limits| limits.concurrency = u32::MAX), "limits.concurrency", "not between 1 and 65536"),
        (limits(|limits| limits.queue = Some(u32::MAX)), "limits.queue", "not between 0 and 1048576"),
        (limits(|limits| limits.instances = 65), "limits.instances", "not between 1 and 64"),
        (limits(|limits| limits.instances = 65_537), "limits.instances", "not between 1 and 64"),
        (limits(|limits| limits.memory = 1), "limits.memory", "not between 8388608"),
        (limits(|limits| limits.memory = u64::MAX), "limits.memory", "not between 8388608"),
        (limits(|limits| limits.max_body = Some(u64::MAX)), "limits.max_body", "not between 0"),
        (env("=x"), "grants.env[0]", "is no name of a variable"),
        (env("A B=x"), "grants.env[0]", "is no name of a variable"),
        (env("A\0B=x"), "grants.env[0]", "is no name of a variable"),
        (env("A=\0"), "grants.env[0]", "has a NUL"),
        (env("LD_PRELOAD=/x.so"), "grants.env[0]", "steer the loader"),
        (env("GLIBC_TUNABLES=x"), "grants.env[0]", "steer the loader"),
        (env("VALOR_TEST_NOT_SET"), "grants.env[0]", "is not set for valord"),
        (grants(|grants| grants.env = vec!["A=b".into(); 257]), "grants.env", "257 are more than 256"),
        (
            grants(|g| g.env = vec![format!("A={}", "x".repeat(1 << 18))]),
            "grants.env",
            "more than 131072 bytes",
        ),
        (grants(|grants| grants.read = vec!["relative".into()]), "grants.read[0]", "absolute"),
        (grants(|grants| grants.read = vec!["/a/../etc".into()]), "grants.read[0]", "without `..`"),
        (grants(|grants| grants.read = vec!["/".into()]), "grants.read[0]", "the whole file system"),
        (grants(|grants| grants.write = vec!["/a\0b".into()]), "grants.write[0]", "NUL"),
        (grants(|g| g.write = vec![format!("/{}", "x".repeat(4095))]), "grants.write[0]", "at most 4095"),
        (net("http://example.org"), "grants.net[0]", ""),
        (net("example.org:0"), "grants.net[0]", ""),
        (net("example.org:65536"), "grants.net[0]", ""),
        (net("10.0.0.0/33:80"), "grants.net[0]", ""),
        (net("a\nb:80"), "grants.net[0]", ""),
        (net("*"), "grants.net[0]", ""),
        (net(""), "grants.net[0]", ""),
    ]
}

#[tokio::test]
async fn each_wrong_field_is_named_with_its_cure() {
    let siege = Siege::start().await;
    for (at, (change, field, said)) in wrong().into_iter().enumerate() {
        let Err(status) = siege.valord.try_register(hello(change)).await else {
            panic!("{at}: {field} ({said}) is taken")
        };
        refused(&status, Code::InvalidArgument, "INVALID", field);
        let violations = status.get_details_bad_request().unwrap().field_violations;
        let found: Vec<_> =
            violations.iter().map(|one| (one.field.as_str(), one.description.as_str())).collect();
        assert!(
            found.len() == 1 && found[0].0 == field && found[0].1.contains(said),
            "{at}: {said}: {found:?}"
        );
        assert!(!found[0].1.contains('\0') || said.is_empty(), "{at}: {found:?}");
    }
    siege.end().await;
}

#[tokio::test]
async fn so_many_wrong_fields_that_they_do_not_fit_are_counted() {
    let siege = Siege::start().await;
    let many = hello(|spec| {
        // Each refusal quotes what was sent, and none of it is ASCII.
        let one = |n| format!("{}{n}", "ä\u{202e}".repeat(100));
        spec.grants.get_or_insert_default().net = (0..256).map(one).collect();
    });
    let status = siege.valord.try_register(many).await.unwrap_err();
    refused(&status, Code::InvalidArgument, "INVALID", "grants.net[0]");
    assert_eq!(status.message(), "256 fields are wrong");
    let violations = status.get_details_bad_request().unwrap().field_violations;
    let last = violations.last().unwrap();
    assert_eq!(last.description, format!("{} more fields are wrong", 257 - violations.len()));
    assert!(status.details().len() < 5 << 10, "it fits in what clients take as headers");
    siege.end().await;
}

#[tokio::test]
async fn what_is_just_allowed_is_kept_and_comes_back() {
    let siege = Siege::start().await;
    let longest = format!("/{}", "x".repeat(255));
    let spec = hello(|spec| {
        spec.name = "n".repeat(64);
        spec.prefix.clone_from(&longest);
        spec.config = nested(64);
        spec.limits = Some(Limits {
            timeout_ms: 86_400_000,
            idle_timeout_ms: 86_400_000,
            total_timeout_ms: Some(86_400_000),
            concurrency: 65_536,
            queue: Some(1 << 20),
            max_body: Some(1 << 46),
            ..Limits::default()
        });
        spec.grants.get_or_insert_default().env = vec![format!("A={}", "x".repeat(100 << 10)), "B=".into()];
    });
    let plugin = siege.valord.register(spec).await;
    assert_eq!(plugin.name, "n".repeat(64));
    let shown = siege.valord.inspect(&plugin.name).await;
    assert_eq!(shown.config, nested(64));
    assert_eq!(shown.limits.unwrap().queue, Some(1 << 20));
    assert_eq!(siege.valord.get(&longest).await.status, 200);
    // And all that a configuration can be reaches the plugin.
    let long = hello(|spec| spec.config = format!("\"{}\"", "x".repeat((512 << 10) - 2)));
    siege.valord.register(long).await;
    siege.valord.unregister("other").await.unwrap();
    siege.valord.unregister(&plugin.name).await.unwrap();
    siege.end().await;
}

#[tokio::test]
async fn a_deeply_nested_configuration_survives_the_next_boot() {
    let siege = Siege::start().await;
    siege.valord.register(hello(|spec| spec.config = nested(64))).await;
    let Siege { valord, over, asking, .. } = siege;
    over.store(true, std::sync::atomic::Ordering::Relaxed);
    asking.await.unwrap();
    let valord = crate::harness::Valord::start_in(valord.stop().await, |_| {}).await;
    valord.until_state("other", "ready").await;
    assert_eq!(valord.inspect("other").await.config, nested(64));
    valord.stop().await;
}

#[tokio::test]
async fn a_queue_of_none_lets_nobody_wait() {
    let valord = crate::harness::Valord::start().await;
    let spec = Spec::new(built("libvalor_test_runtime_plugin.so"), "x").limits(|limits| {
        limits.concurrency = 1;
        limits.queue = Some(0);
        limits.timeout_ms = 1000;
    });
    valord.register(spec).await;
    let (one, other) = tokio::join!(valord.get("/x/forever"), valord.get("/x/forever"));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [503, 504]);
    valord.stop().await;
}

#[tokio::test]
async fn names_of_no_plugin_are_not_found_whatever_they_are() {
    let siege = Siege::start().await;
    let long = "x".repeat(1 << 20);
    for name in [
        "",
        ".",
        "..",
        "../neighbour",
        "neighbour/",
        "NEIGHBOUR",
        "neighbour\0",
        "\n",
        "\u{1b}[2J",
        long.as_str(),
    ] {
        let mut control = siege.valord.control.clone();
        let name = || name.to_owned();
        let logs = LogsRequest { name: name(), follow: true, ..LogsRequest::default() };
        for status in [
            control.inspect(InspectRequest { name: name() }).await.unwrap_err(),
            control.restart(RestartRequest { name: name(), ..Default::default() }).await.unwrap_err(),
            control.unregister(UnregisterRequest { name: name() }).await.unwrap_err(),
            control.logs(logs).await.unwrap_err(),
        ] {
            refused(&status, Code::NotFound, "NOT_FOUND", "name");
            assert!(!status.message().contains(['\n', '\u{1b}', '\0']), "{:?}", status.message());
            assert!(status.message().len() <= 1300, "{}", status.message().len());
        }
    }
    let mut control = siege.valord.control.clone();
    for (tail, since_ms) in [(Some(u32::MAX), 0), (Some(0), u64::MAX), (None, u64::MAX)] {
        let request = LogsRequest { name: "neighbour".into(), tail, since_ms, follow: false };
        control.logs(request).await.unwrap();
    }
    siege.end().await;
}
