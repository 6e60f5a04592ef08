use valor_wire::ResetCode;
use valor_wire::control::{LogLevel, Step};

use crate::harness::Engine;

#[test]
fn a_module_that_cannot_start_says_why() {
    for (source, step, parts) in [
        ("export default {\n  fetch(", Step::Create, &["test.js:2:", "^"][..]),
        ("export const x = 1;", Step::Create, &["no handler", "export default"]),
        ("export default { get() {} };", Step::Create, &["no handler"]),
        ("import 'node:fs';", Step::Create, &["node:fs", "one file"]),
        ("await import('./x.js');", Step::Create, &["./x.js", "one file"]),
        ("\n\nnull.x;", Step::Create, &["TypeError", "test.js:3:"]),
        ("throw 7;", Step::Create, &["no Error: 7"]),
        ("for (;;);", Step::Create, &["did not come to an end"]),
        ("let s = []; for (;;) s.push('x'.repeat(1e6) + s.length);", Step::Create, &["memory"]),
        ("", Step::Load, &["empty"]),
        ("a\0b", Step::Load, &["NUL"]),
    ] {
        let (found, message) = Engine::refused(source);
        assert_eq!(found, step, "{source}: {message}");
        for part in parts {
            assert!(message.contains(part), "{source}: {message}");
        }
    }
}

#[test]
fn what_a_handler_does_wrong_is_a_500_and_a_line_with_its_place() {
    let mut engine = Engine::ready(
        "export default { async fetch(request) {
            switch (new URL(request.url).pathname) {
            case '/throws': throw new RangeError('out of range');
            case '/text': throw 'only text';
            case '/nothing': return;
            case '/object': return { status: 200 };
            case '/twice': await request.text(); await request.text(); break;
            case '/read': { const r = new Response('x'); await r.text(); return r; }
            case '/locked': { const r = new Response('x'); r.body.getReader(); return r; }
            case '/error': return Response.error();
            case '/deep': return (function f() { return f() + 1; })();
            case '/head': return new Response('', { headers: { x: 'y'.repeat(100_000) } });
            }
            return new Response('fine');
        } }",
    );
    for (path, part) in [
        ("/throws", "RangeError: out of range\n    at fetch (test.js:3:"),
        ("/text", "no Error: \"only text\""),
        ("/nothing", "return a Response, not undefined"),
        ("/object", "return a Response, not { status: 200 }"),
        ("/twice", "read already"),
        ("/read", "read already"),
        ("/locked", "locked"),
        ("/error", "Response.error()"),
        ("/deep", "call stack"),
        ("/head", "too large headers"),
    ] {
        let answer = engine.post(path, &[], b"body");
        assert_eq!((answer.status, answer.code()), (0, Some(ResetCode::Failed)), "{path}");
        let (level, text) = engine.log(part);
        assert!(level == LogLevel::Error && text.starts_with("the handler failed: "), "{path}: {text}");
        assert!(!text.contains("valor:"), "frames of ours are nobody's business: {text}");
    }
    assert_eq!(engine.get("/").text(), "fine");
}

#[test]
fn an_unhandled_rejection_is_written_down_and_harms_nobody() {
    let mut engine = Engine::ready(
        "export default { fetch() {
            Promise.reject(new Error('forgotten'));
            const late = Promise.reject(new Error('caught later'));
            queueMicrotask(() => late.catch(() => {}));
            setTimeout(() => { throw new Error('in a timer'); });
            return new Response('fine'); } }",
    );
    assert_eq!(engine.get("/").text(), "fine");
    let (_, text) = engine.log("forgotten");
    assert!(
        text.starts_with("unhandled rejection: Error: forgotten\n") && text.contains("test.js:2:"),
        "{text}"
    );
    let (_, text) = engine.log("in a timer");
    assert!(text.starts_with("uncaught: "), "{text}");
    assert_eq!(engine.get("/").text(), "fine");
}

#[test]
fn code_that_spins_is_stopped_and_a_fresh_context_answers() {
    for spin in [
        "for (;;);",
        "Promise.reject(new Error('pending')); for (;;);",
        "for (;;) try { for (;;); } catch {}",
        // Jobs without end, none of which keeps anything: a chain of promises would run out of something first.
        "await (async () => { for (;;) await null; })();",
        "/(a+)+$/.test('a'.repeat(60) + 'b');",
    ] {
        let mut engine = Engine::ready(&format!(
            "let n = 0; export default {{ async fetch(r) {{ if (r.url.endsWith('/spin')) {{ {spin} }} return new Response(`${{++n}}`); }} }}"
        ));
        assert_eq!(engine.get("/").text(), "1");
        assert_eq!(engine.get("/").text(), "2");
        let id = engine.link.open("GET", "/spin", &[], 100, true);
        let answer = engine.link.answer(id);
        assert_eq!(answer.code(), Some(ResetCode::Internal), "{spin}");
        engine.log("did not come to an end");
        assert_eq!(engine.get("/").text(), "1", "{spin}: its state is a fresh one's");
    }
}

#[test]
fn what_else_was_under_way_is_answered_too() {
    let mut engine = Engine::ready(
        "export default { async fetch(r) { if (r.url.endsWith('/spin')) for (;;); await new Promise(() => {}); } }",
    );
    let waiting = engine.link.open("GET", "/wait", &[], 0, true);
    let spinning = engine.link.open("GET", "/spin", &[], 50, true);
    for id in [waiting, spinning] {
        let (code, reason) = engine.link.answer(id).reset.unwrap();
        assert!(
            code == ResetCode::Internal && reason.contains("did not come to an end"),
            "{code:?} {reason}"
        );
    }
    engine.log("dropped: 2");
}

#[test]
fn memory_has_an_end_and_a_fresh_context_answers() {
    for hog in [
        "for (;;) kept.push(new Uint8Array(1 << 20));",
        "for (;;) kept.push('x'.repeat(1 << 16) + kept.length);",
        "let a = {}; for (;;) a = { a };",
    ] {
        let source = format!(
            "const kept = []; let n = 0;
             export default {{ async fetch(r) {{ if (r.url.endsWith('/hog')) {{ {hog} }} return new Response(`${{++n}}`); }} }}"
        );
        // Little, so that it is soon used up.
        let mut engine = Engine::with(&source, "null", 40 << 20);
        assert_eq!(engine.get("/").text(), "1");
        let answer = engine.get("/hog");
        assert!(answer.reset.is_some(), "{hog}: {answer:?}");
        engine.log("memory limit");
        assert_eq!(engine.get("/").text(), "1", "{hog}");
    }
}

#[test]
fn timers_have_an_end() {
    let mut engine = Engine::ready(
        "export default { fetch(r) {
            if (r.url.endsWith('/leak')) for (;;) setTimeout(() => {}, 1e9);
            return new Response('fine'); } }",
    );
    let answer = engine.get("/leak");
    assert_eq!(answer.code(), Some(ResetCode::Failed));
    let (_, text) = engine.log("timers already");
    assert!(text.contains("RangeError"), "{text}");
    assert_eq!(engine.get("/").text(), "fine");
}

#[test]
fn a_flooded_log_costs_lines_only() {
    let mut engine = Engine::ready(
        "export default { fetch() { for (let i = 0; i < 5000; i++) console.log('x'.repeat(1000)); return new Response('fine'); } }",
    );
    assert_eq!(engine.get("/").text(), "fine");
    engine.log("xxx");
}

#[test]
fn a_client_that_leaves_aborts_the_signal() {
    let mut engine = Engine::ready(
        "export default { fetch(r) { return new Promise(() => {
            console.log('here');
            r.signal.addEventListener('abort', () => console.log('gone', r.signal.reason.name)); }); } }",
    );
    let id = engine.link.open("GET", "/", &[], 0, true);
    engine.log("here");
    engine.link.reset(id, ResetCode::Cancel, "");
    engine.log("gone AbortError");
}

#[test]
fn requests_that_had_not_begun_are_answered_by_the_fresh_context() {
    let mut engine = Engine::ready(
        "export default { fetch(r) { if (r.url.endsWith('/spin')) for (;;); return new Response('fine'); } }",
    );
    // In one write, so that they are read together.
    let spinning = engine.link.queue("GET", "/spin", 50);
    let waiting = engine.link.queue("GET", "/", 0);
    engine.link.flush();
    assert_eq!(engine.link.answer(spinning).code(), Some(ResetCode::Internal));
    assert_eq!(engine.link.answer(waiting).text(), "fine");
}
