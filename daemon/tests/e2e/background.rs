//! What a JavaScript plugin does after its answer: `waitUntil` in both engines.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use valor_control::v1::Grants;

use crate::client::Spec;
use crate::ctl::valorctl;
use crate::harness::{PATIENCE, Valord, is_alive, until_gone};
use crate::js::{engines, logged, module, spec, start};

/// Elsewhere, where a plugin asks, and is answered when the test wants.
struct Elsewhere(TcpListener);

/// Somebody who waits for an answer.
struct Asking(TcpStream);

impl Elsewhere {
    async fn new() -> Self {
        Self(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap())
    }

    fn authority(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// Waits until somebody asks for `path`.
    async fn asked(&self, path: &str) -> Asking {
        let asking = async {
            let (mut stream, _) = self.0.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            assert!(head.starts_with(&format!("GET {path} ")), "{path}: {head}");
            Asking(stream)
        };
        tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("nobody asks for {path}"))
    }
}

impl Asking {
    async fn answer(mut self) {
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
        self.0.write_all(answer.as_bytes()).await.unwrap();
    }
}

/// Answers, and then asks elsewhere, another plugin, and elsewhere again with what that has said.
const LATE: &str = "export default { fetch(request, env, ctx) {
    ctx.waitUntil((async () => {
        await (await fetch(`http://${env.elsewhere}/gate`)).text();
        const text = await (await fetch('/target')).text();
        await (await fetch(`http://${env.elsewhere}/done-${text}`)).text();
    })());
    return new Response('early'); } }";

/// A daemon with `LATE` at `/x`, which has answered and waits at the gate.
async fn late(engine: &str, elsewhere: &Elsewhere) -> (Valord, Asking) {
    let valord = start(|_| {}).await;
    let (_dir, file) = module(LATE);
    let (_target, target) = module("export default { fetch: () => new Response('hit') }");
    let grants = Grants { net: vec![elsewhere.authority()], ..Grants::default() };
    let spec = spec(&file, "x", engine).config(&json!({ "elsewhere": elsewhere.authority() }));
    valord.register(spec.change(|spec| spec.grants = Some(grants))).await;
    valord.register(Spec::new(target, "target")).await;
    assert_eq!(valord.get("/x").await.text(), "early", "{engine}");
    let asking = elsewhere.asked("/gate").await;
    (valord, asking)
}

#[tokio::test]
async fn a_drain_and_a_replacement_let_it_finish() {
    for engine in engines() {
        let elsewhere = Elsewhere::new().await;
        let (valord, gate) = late(engine, &elsewhere).await;
        let control = valord.dir.path().join("control.sock");
        let pid = valord.pid("x").await;
        let (_dir, file) = module("export default { fetch: () => new Response('new') }");
        let replaced = valorctl(&control, ["replace", "x", file.to_str().unwrap(), "--engine", engine]).await;
        assert_eq!(replaced.code, 0, "{replaced:?}");
        assert_eq!(valord.get("/x").await.text(), "new");
        assert!(is_alive(pid), "{engine}: it was not waited for");
        gate.answer().await;
        elsewhere.asked("/done-hit").await.answer().await;
        until_gone(pid).await;
        valord.stop().await;

        let (valord, gate) = late(engine, &elsewhere).await;
        let control = valord.dir.path().join("control.sock");
        let pid = valord.pid("x").await;
        let order = ["drain", "x"];
        let open = async {
            valord.until_state("x", "draining").await;
            gate.answer().await;
            let done = elsewhere.asked("/done-hit").await;
            assert!(is_alive(pid));
            done.answer().await;
        };
        let (drained, ()) = tokio::join!(valorctl(&control, order), open);
        assert_eq!(drained.stdout, "drained x (stopped)\n", "{engine}");
        until_gone(pid).await;
        valord.stop().await;
    }
}

#[tokio::test]
async fn the_end_of_valord_lets_it_finish() {
    for engine in engines() {
        let elsewhere = Elsewhere::new().await;
        let (valord, gate) = late(engine, &elsewhere).await;
        let (address, pid) = (valord.address, valord.pid("x").await);
        let ends = async {
            // It has begun to stop.
            while TcpStream::connect(address).await.is_ok() {}
            gate.answer().await;
            let done = elsewhere.asked("/done-hit").await;
            assert!(is_alive(pid));
            done.answer().await;
        };
        tokio::join!(valord.stop(), async { tokio::time::timeout(PATIENCE, ends).await.unwrap() });
        assert!(!is_alive(pid), "{engine}");
    }
}

#[tokio::test]
async fn what_never_ends_is_ended_at_the_drain_timeout() {
    for engine in engines() {
        let valord = start(|app| app.supervisor.drain_timeout = Duration::from_secs(2)).await;
        let source = "export default { fetch(request, env, ctx) {
            ctx.waitUntil(new Promise(() => {}));
            ctx.waitUntil((async () => { for (;;) await new Promise((resolve) => setTimeout(resolve, 10)); })());
            return new Response('early'); } }";
        let (_dir, file) = module(source);
        valord.register(spec(&file, "x", engine)).await;
        assert_eq!(valord.get("/x").await.text(), "early");
        let control = valord.dir.path().join("control.sock");
        let pid = valord.pid("x").await;
        assert_eq!(valorctl(&control, ["drain", "x"]).await.stdout, "drained x (stopped)\n");
        assert!(!is_alive(pid));
        let events = valorctl(&control, ["events", "x", "-o", "json"]).await.stdout;
        assert!(events.contains("background work was cut off after 2s"), "{engine}: {events}");
        valord.stop().await;
    }
}

#[tokio::test]
async fn what_has_ended_is_not_waited_for() {
    for engine in engines() {
        // Were it waited for, the test would be over first.
        let valord = start(|app| app.supervisor.drain_timeout = PATIENCE * 2).await;
        let source = "export default { fetch(request, env, ctx) {
            ctx.waitUntil(Promise.resolve());
            ctx.waitUntil(Promise.reject(new Error('in vain')));
            ctx.waitUntil('no promise');
            return new Response('early'); } }";
        let (_dir, file) = module(source);
        valord.register(spec(&file, "x", engine)).await;
        assert_eq!(valord.get("/x").await.text(), "early");
        logged(&valord, "in vain").await;
        let control = valord.dir.path().join("control.sock");
        let drained = tokio::time::timeout(PATIENCE, valorctl(&control, ["drain", "x"])).await;
        assert_eq!(drained.expect(engine).stdout, "drained x (stopped)\n");
        valord.stop().await;
    }
}

#[tokio::test]
async fn plugins_that_call_each_other_after_their_answers_stop_at_the_limit() {
    let valord = start(|_| {}).await;
    let source = |other: &str| {
        format!(
            "export default {{ fetch(request, env, ctx) {{
                const late = new Promise((resolve) => setTimeout(resolve, 10)).then(() => fetch('/{other}'));
                ctx.waitUntil(late.catch((error) => console.error(`stopped: ${{error.message}}`)));
                return new Response('early'); }} }}"
        )
    };
    for engine in engines() {
        for (name, other) in [("x", "y"), ("y", "x")] {
            let (_dir, file) = module(&source(other));
            valord.register(spec(&file, name, engine)).await;
        }
        assert_eq!(valord.get("/x").await.text(), "early");
        let refused = logged(&valord, "stopped: ").await;
        assert!(refused.contains("more than 8 plugins call each other"), "{engine}: {refused}");
        for name in ["x", "y"] {
            valord.unregister(name).await.unwrap();
        }
    }
    valord.stop().await;
}
