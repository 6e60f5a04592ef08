//! What authors get wrong, in either engine: refused by `valorctl register` with the place and a cure, or an error to the client and a
//! line in the log. Nobody else notices, and the next request is answered.

use crate::ctl::valorctl;
use crate::js::{engines, logged, module, spec, start};

#[tokio::test]
async fn what_is_no_plugin_is_refused_with_its_place() {
    for engine in engines() {
        let deno = *engine == "deno";
        let valord = start(|_| {}).await;
        let control = valord.dir.path().join("control.sock");
        let no_handler = &["error: create: the module has no handler: write `export default { fetch("][..];
        for (source, parts) in [
            (
                "export default {\n  fetch( {\n};",
                &[
                    "error: syntax: module.js:3:2: Unexpected token ';'\n    };\n     ^\n",
                    "help: correct it there",
                ][..],
            ),
            ("let a = 1;\nlet a = 2;", &["error: syntax: module.js:2:"]),
            (
                "import x from './other.js';\nexport default {};",
                &["error: syntax: ", "'./other.js'", "bundle"],
            ),
            ("import x from 'left-pad';\nexport default {};", &["error: syntax: ", "'left-pad'", "bundle"]),
            ("import x from 'https://a.test/x.js';", &["error: syntax: ", "'https://a.test/x.js'", "bundle"]),
            ("await import('./other.js');", &["error: create: ", "other.js"]),
            ("export const x = 1;", no_handler),
            ("export default { get() {} };", no_handler),
            ("export default { fetch: 'no function' };", no_handler),
            ("addEventListener('message', () => {});", no_handler),
            (
                "const x = null;\nx.y;",
                if deno {
                    &["error: create: TypeError: ", "x.js:2:3"]
                } else {
                    &["error: create: TypeError: ", "x.js:2:1"]
                },
            ),
            ("throw 'only text';", &["error: create: ", "\"only text\""]),
        ] {
            let (_dir, file) = module(source);
            let file = file.to_str().unwrap();
            let said = valorctl(&control, ["register", file, "--name", "x", "--engine", engine]).await;
            assert_eq!(said.code, 1, "{engine}: {source}: {said:?}");
            for part in parts {
                assert!(said.stderr.contains(part), "{engine}: {part}: {}", said.stderr);
            }
            assert!(valord.names().await.is_empty(), "{engine}: {source}");
        }
        valord.stop().await;
    }
}

#[tokio::test]
async fn what_a_handler_does_wrong_is_its_requests_error() {
    let source = "export default { async fetch(request) {
        switch (new URL(request.url).pathname) {
        case '/throws': throw new RangeError('out of range');
        case '/text': throw 'only text';
        case '/null': throw null;
        case '/nothing': return;
        case '/object': return { status: 200 };
        case '/string': return 'a string';
        case '/twice': await request.text(); return new Response(await request.text());
        case '/read': { const r = new Response('x'); await r.text(); return r; }
        case '/never': return new Promise(() => {});
        }
        return new Response('fine');
    } }";
    for engine in engines() {
        let deno = *engine == "deno";
        let valord = start(|_| {}).await;
        let (_dir, file) = module(source);
        valord.register(spec(&file, "x", engine).limits(|limits| limits.timeout_ms = 3000)).await;
        let pid = valord.pid("x").await;
        for (path, part) in [
            ("throws", "the handler failed: RangeError: out of range"),
            ("text", "the handler failed: "),
            ("null", "null"),
            ("nothing", "the handler has to return a Response, not undefined"),
            ("object", "the handler has to return a Response, not { status: 200 }"),
            ("string", "the handler has to return a Response, not \"a string\""),
            ("twice", if deno { "Body already consumed" } else { "read already" }),
            ("read", "a Response whose body was read already"),
        ] {
            let answer = valord.send("POST", &format!("/x/{path}"), "body").await;
            answer.problem(500, "x");
            assert!(!answer.text().contains("out of range"), "what went wrong is the author's business");
            logged(&valord, part).await;
        }
        logged(&valord, "\"only text\"").await;
        let log = valord.log("x").await;
        assert!(log.contains("x.js:3:"), "the author's line: {log}");
        valord.get("/x/never").await.problem(504, "x");
        assert_eq!(valord.get("/x").await.text(), "fine");
        assert_eq!((valord.pid("x").await, valord.plugin("x").await.restarts), (pid, 0), "{engine}");
        valord.stop().await;
    }
}

#[tokio::test]
async fn timers_that_are_left_behind_hold_up_nobody() {
    let source = "let n = 0; export default { fetch(request) {
        n += 1;
        if (request.url.endsWith('/leak')) for (let i = 0; i < 20_000; i++) setInterval(() => { n += 1; }, 1e9);
        setInterval(() => {}, 1);
        return new Response(`fine ${n}`);
    } }";
    for engine in engines() {
        let valord = start(|_| {}).await;
        let (_dir, file) = module(source);
        valord.register(spec(&file, "x", engine)).await;
        assert_eq!(valord.get("/x").await.text(), "fine 1");
        let leak = valord.get("/x/leak").await;
        if *engine == "quickjs" {
            // There is a bound, and whoever meets it is told so.
            leak.problem(500, "x");
            logged(&valord, "RangeError: there are 10000 timers already").await;
        } else {
            assert_eq!(leak.text(), "fine 2");
            assert_eq!(valord.get("/x").await.text(), "fine 3");
        }
        // Nobody waits for them: an interval is no `waitUntil`.
        let control = valord.dir.path().join("control.sock");
        assert_eq!(valorctl(&control, ["drain", "x"]).await.stdout, "drained x (stopped)\n", "{engine}");
        let events = valorctl(&control, ["events", "x", "-o", "json"]).await.stdout;
        assert!(!events.contains("cut off"), "{engine}: {events}");
        valord.stop().await;
    }
}
