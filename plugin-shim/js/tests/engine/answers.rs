use valor_wire::ResetCode;

use crate::harness::{Engine, Seen};

const HELLO: &str = "export default { fetch(request, env) { return new Response(`${request.method} ${request.url} ${env.greeting}`); } };";

#[test]
fn the_three_shapes_answer() {
    for source in [
        HELLO,
        "export function handler(request, env) { return new Response(`${request.method} ${request.url} ${env.greeting}`); }",
        "addEventListener(\"fetch\", (e) => e.respondWith(new Response(`${e.request.method} ${e.request.url} ${e.env.greeting}`)));",
        "class App { #who = \"hi\"; async fetch(r) { return new Response(`${r.method} ${r.url} ${this.#who}`); } } export default new App();",
    ] {
        let mut engine = Engine::with(source, "{\"greeting\": \"hi\"}", 96 << 20);
        let answer = engine.get("/a%20b?q=1");
        assert_eq!((answer.status, answer.text()), (200, "GET http://localhost/a%20b?q=1 hi"), "{source}");
        assert_eq!(answer.field("content-type"), Some("text/plain;charset=UTF-8"));
        engine.finish();
    }
}

#[test]
fn the_configuration_is_env() {
    let show = "export default { fetch(r, env) { const { a, config } = env; return Response.json({ a, config }); } }";
    for (config, shown) in [
        ("null", "{}"),
        ("{\"a\": [1], \"b\": 2}", "{\"a\":[1]}"),
        ("\"Alice\"", "{\"config\":\"Alice\"}"),
        ("[1]", "{\"config\":[1]}"),
        ("false", "{\"config\":false}"),
    ] {
        let mut engine = Engine::with(show, config, 96 << 20);
        assert_eq!(engine.get("/").text(), shown);
    }
}

#[test]
fn heads_survive_both_ways() {
    let mut engine = Engine::ready(
        r#"export default { async fetch(request) {
            const { url, method, headers } = request;
            const body = await request.text();
            const answer = new Response(JSON.stringify([method, url, [...headers], body]), { status: 418 });
            answer.headers.append("set-cookie", "a=1");
            answer.headers.append("set-cookie", "b=\u00e9");
            return answer;
        } }"#,
    );
    let fields = [("host", "example.org:81"), ("x-forwarded-proto", "https"), ("x-two", "1"), ("x-two", "2")];
    let answer = engine.post("/p", &fields, "h\u{e9}".as_bytes());
    assert_eq!(answer.status, 418);
    assert_eq!(
        answer.text(),
        r#"["POST","https://example.org:81/p",[["host","example.org:81"],["x-forwarded-proto","https"],["x-two","1, 2"]],"hé"]"#
    );
    let cookies: Vec<_> =
        answer.fields.iter().filter(|(n, _)| n == "set-cookie").map(|(_, v)| &v[..]).collect();
    assert_eq!(cookies, ["a=1", "b=\u{e9}"]);
}

#[test]
fn answers_without_a_body_have_none() {
    let mut engine = Engine::ready(
        "export default { fetch(r) { return r.url.endsWith('/none') ? new Response(null, { status: 204 }) : new Response('body'); } }",
    );
    let answer = engine.get("/none");
    assert_eq!((answer.status, answer.text()), (204, ""));
    let id = engine.link.open("HEAD", "/", &[], 0, true);
    let answer = engine.link.answer(id);
    assert_eq!((answer.status, answer.text()), (200, ""));
}

#[test]
fn the_module_may_await_before_it_is_ready() {
    let mut engine = Engine::ready(
        "const late = await new Promise((r) => setTimeout(() => r('late'), 20)); export default { fetch: () => new Response(late) };",
    );
    assert_eq!(engine.get("/").text(), "late");
}

#[test]
fn many_requests_are_under_way_at_once() {
    let mut engine = Engine::ready(
        "let n = 0; let open; const all = new Promise((r) => (open = r));
         export default { async fetch(r) { if (++n === 50) open(); await all; return new Response(new URL(r.url).pathname); } }",
    );
    let ids: Vec<_> = (0..50).map(|i| (i, engine.link.open("GET", &format!("/{i}"), &[], 0, true))).collect();
    for (i, id) in ids.into_iter().rev() {
        assert_eq!(engine.link.answer(id).text(), format!("/{i}"));
    }
}

#[test]
fn console_goes_to_the_log_by_level() {
    use valor_wire::control::LogLevel;
    let mut engine = Engine::ready(
        "export default { fetch() { console.debug('d %s', 'x', { a: [1, 'b'] }); console.log('l', new Map([[1, 2]]));
         console.warn('w'); console.error(new TypeError('e')); console.trace('t'); return new Response(''); } }",
    );
    engine.get("/");
    assert_eq!(engine.log("d "), (LogLevel::Debug, "d x { a: [ 1, \"b\" ] }".into()));
    assert_eq!(engine.log("l "), (LogLevel::Info, "l Map(1) { 1 => 2 }".into()));
    assert_eq!(engine.log("w"), (LogLevel::Warn, "w".into()));
    let (level, text) = engine.log("TypeError: e");
    assert!(level == LogLevel::Error && text.contains("test.js:2:"), "{text}");
    let (level, text) = engine.log("Trace: t");
    assert!(level == LogLevel::Trace && text.contains("test.js:2:"), "{text}");
}

#[test]
fn work_goes_on_after_the_answer() {
    let mut engine = Engine::ready(
        "export default { fetch(r, env, ctx) {
             ctx.waitUntil(new Promise((r) => setTimeout(r, 10)).then(() => console.log('after')));
             ctx.waitUntil(Promise.reject(new Error('in vain')));
             return new Response('before'); } }",
    );
    assert_eq!(engine.get("/").text(), "before");
    assert!(engine.link.background, "it is told before the answer");
    engine.log("in vain");
    engine.log("after");
    engine.link.rest();
}

#[test]
fn what_is_fetched_after_the_answer_names_its_request() {
    let mut engine = Engine::ready(
        "export default { fetch(r, env, ctx) {
             const late = new Promise((r) => setTimeout(r, 10)).then(() => fetch('/late'));
             ctx.waitUntil(late.then((r) => r.text()).then((text) => console.log(text)));
             return new Response('before'); } }",
    );
    let id = engine.link.open("GET", "/", &[], 0, true);
    assert_eq!(engine.link.answer(id).text(), "before");
    let Seen::Request { id: late, parent, .. } = engine.link.fetch() else { panic!() };
    assert_eq!(parent, Some(id));
    assert!(engine.link.background);
    engine.link.respond(late, 204, &[], true);
    engine.link.rest();
}

#[test]
fn nobody_waits_for_the_work_of_a_context_that_is_no_more() {
    let mut engine = Engine::ready(
        "export default { fetch(r, env, ctx) {
             if (r.url.endsWith('/spin')) for (;;);
             ctx.waitUntil(new Promise(() => {}));
             return new Response('before'); } }",
    );
    assert_eq!(engine.get("/").text(), "before");
    assert!(engine.link.background);
    let id = engine.link.open("GET", "/spin", &[], 1, true);
    engine.log("did not come to an end");
    engine.link.rest();
    engine.link.reset(id, ResetCode::Deadline, "");
    assert_eq!(engine.get("/").text(), "before");
    assert!(engine.link.background, "of the fresh one");
}

#[test]
fn what_is_made_on_demand_can_be_asked_for_late() {
    let mut engine = Engine::ready(
        "export default { fetch(request, env, ctx) {
             const response = new Response('half \\ud800');
             ctx.waitUntil(new Promise((r) => setTimeout(r, 1)).then(() =>
                 console.log('late', request.url, request.headers.get('x-a'), request.signal.aborted, response.headers.get('content-type'))));
             return response; } }",
    );
    let id = engine.link.open("GET", "/p", &[("x-a", "b")], 0, true);
    assert_eq!(engine.link.answer(id).text(), "half \u{fffd}");
    assert_eq!(engine.log("late").1, "late http://localhost/p b false text/plain;charset=UTF-8");
}

#[test]
fn a_signal_that_is_asked_for_after_the_end_is_aborted() {
    let mut engine = Engine::ready(
        "let gone; const wait = new Promise((r) => (gone = r));
         export default { async fetch(request) {
             if (request.url.endsWith('/wake')) { if (!request.url.includes('other')) gone(); return new Response('awake'); }
             console.log('waits'); await wait;
             console.log('aborted', request.signal.aborted, request.signal.reason.name);
             return new Response('for nobody'); } }",
    );
    let id = engine.link.open("GET", "/", &[], 0, true);
    engine.log("waits");
    engine.link.reset(id, ResetCode::Cancel, "gone");
    // Requests of one read come before what has ended with it.
    assert_eq!(engine.get("/other/wake").text(), "awake");
    assert_eq!(engine.get("/wake").text(), "awake");
    assert_eq!(engine.log("aborted").1, "aborted true AbortError");
}

#[test]
fn functions_keep_the_text_of_the_author_and_none_of_ours() {
    let show = "const own = (a) => a + 1;\n\
        const native = (f) => String(f).includes('[native code]');\n\
        export default { fetch: (r) => Response.json([String(own), native(fetch), native(Request), native(r.json), native(own)]) }";
    let mut engine = Engine::ready(show);
    assert_eq!(engine.get("/").text(), r#"["(a) => a + 1",true,true,true,false]"#);
    engine.finish();
}
