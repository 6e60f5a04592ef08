use valor_wire::ResetCode;

use crate::harness::{Engine, Seen};

#[test]
fn a_fetch_is_made_for_its_request() {
    let mut engine = Engine::ready(
        "export default { async fetch(r) {
            await new Promise((r) => setTimeout(r, 5));
            await Promise.all([0, 1].map(async () => {}));
            const headers = { 'X-One': '1', accept: 'text/plain' };
            const answer = await fetch('https://example.org/a b?c#d', { method: 'post', headers, body: 'sent' });
            return Response.json([answer.status, answer.ok, answer.url, answer.type, [...answer.headers], await answer.text()]); } }",
    );
    let id = engine.link.open("GET", "/", &[], 0, true);
    let Seen::Request { id: fetch, method, target, fields, parent } = engine.link.fetch() else { panic!() };
    assert_eq!((method.as_str(), target.as_str(), parent), ("POST", "https://example.org/a%20b?c", Some(id)));
    let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(
        fields,
        [("x-one", "1"), ("accept", "text/plain"), ("content-type", "text/plain;charset=UTF-8")]
    );
    assert_eq!(engine.link.body(fetch), b"sent");
    engine.link.respond(fetch, 404, &[("x-from", "afar")], false);
    engine.link.send(fetch, b"not ", false);
    engine.link.send(fetch, b"here", true);
    assert_eq!(
        engine.link.answer(id).text(),
        r#"[404,false,"https://example.org/a%20b?c#d","basic",[["x-from","afar"]],"not here"]"#
    );
}

#[test]
fn a_path_is_another_plugins() {
    let mut engine = Engine::ready("export default { fetch: () => fetch('/hello?who=you') }");
    let id = engine.link.open("GET", "/", &[], 0, true);
    let Seen::Request { id: fetch, method, target, parent, .. } = engine.link.fetch() else { panic!() };
    assert_eq!((method.as_str(), target.as_str(), parent), ("GET", "/hello?who=you", Some(id)));
    engine.link.respond(fetch, 200, &[("content-type", "text/x")], false);
    engine.link.send(fetch, b"hello you", true);
    let answer = engine.link.answer(id);
    assert_eq!((answer.text(), answer.field("content-type")), ("hello you", Some("text/x")));
}

#[test]
fn bodies_are_streamed_both_ways() {
    let mut engine = Engine::ready(
        "export default { async fetch(r) {
            const answer = await fetch('http://x/', { method: 'POST', body: r.body, duplex: 'half' });
            return new Response(answer.body); } }",
    );
    let id = engine.link.open("POST", "/", &[], 0, false);
    let Seen::Request { id: fetch, .. } = engine.link.fetch() else { panic!() };
    engine.link.send(id, b"up", false);
    assert!(matches!(engine.link.next(|s| s.id() == fetch), Seen::Data { data, .. } if data == b"up"[..]));
    engine.link.respond(fetch, 200, &[], false);
    engine.link.send(fetch, b"down", false);
    engine.link.next(|s| s.id() == id && matches!(s, Seen::Response { .. }));
    assert!(matches!(engine.link.next(|s| s.id() == id), Seen::Data { data, .. } if data == b"down"[..]));
    engine.link.send(id, b"", true);
    assert_eq!(engine.link.body(fetch), b"");
    engine.link.send(fetch, b"", true);
    assert_eq!(engine.link.body(id), b"");
}

#[test]
fn a_refusal_says_why() {
    let mut engine = Engine::ready(
        "export default { async fetch() { try { await fetch('http://x/'); } catch (e) { return new Response(`${e.name} ${e.message}`); } } }",
    );
    let id = engine.link.open("GET", "/", &[], 0, true);
    let fetch = engine.link.fetch().id();
    engine.link.reset(fetch, ResetCode::Refused, "no grant for x:80");
    assert_eq!(engine.link.answer(id).text(), "TypeError fetch of http://x/: refused: no grant for x:80");
}

#[test]
fn a_signal_aborts_a_fetch_before_and_after_its_answer() {
    let mut engine = Engine::ready(
        "let answer; let c; export default { async fetch(r) {
            switch (new URL(r.url).pathname) {
            case '/before': try { await fetch('http://x/', { signal: AbortSignal.timeout(5) }); } catch (e) { return new Response(e.name); }
            case '/after': c = new AbortController(); answer = await fetch('http://y/', { signal: c.signal }); return new Response('open');
            case '/abort': c.abort(); try { await answer.text(); } catch (e) { return new Response(e.name); }
            } } }",
    );
    let id = engine.link.open("GET", "/before", &[], 0, true);
    let fetch = engine.link.fetch().id();
    engine.link.next(|s| s.id() == fetch && matches!(s, Seen::Reset { code: ResetCode::Cancel, .. }));
    assert_eq!(engine.link.answer(id).text(), "TimeoutError");

    let id = engine.link.open("GET", "/after", &[], 0, true);
    let fetch = engine.link.fetch().id();
    engine.link.respond(fetch, 200, &[], false);
    assert_eq!(engine.link.answer(id).text(), "open");
    assert_eq!(engine.get("/abort").text(), "AbortError");
    engine.link.next(|s| s.id() == fetch && matches!(s, Seen::Reset { code: ResetCode::Cancel, .. }));
}

#[test]
fn an_answer_that_nobody_reads_does_not_stay() {
    let mut engine = Engine::ready(
        "export default { async fetch() { const { status } = await fetch('http://x/'); return new Response(String(status)); } }",
    );
    for _ in 0..3 {
        let id = engine.link.open("GET", "/", &[], 0, true);
        let fetch = engine.link.fetch().id();
        engine.link.respond(fetch, 200, &[], false);
        engine.link.send(fetch, b"nobody reads this", false);
        assert_eq!(engine.link.answer(id).text(), "200");
        // Reset as soon as the answer is garbage: by counted references that is at once, or with a collection.
        engine.link.next(|s| s.id() == fetch && matches!(s, Seen::Reset { .. }));
    }
}

#[test]
fn what_cannot_be_fetched_is_refused_here() {
    let mut engine = Engine::ready(
        "export default { async fetch() {
            const of = async (...args) => { try { await fetch(...args); return 'no error'; } catch (e) { return e.name; } };
            return Response.json([await of('x y'), await of('http://u:p@x/'), await of('http://x/', { redirect: 'never' }),
                await of('http://x/', { body: 'x' }), await of('http://x/', { method: 'CONNECT' }),
                await of('http://x/', { signal: AbortSignal.abort() })]); } }",
    );
    assert_eq!(
        engine.get("/").text(),
        r#"["TypeError","TypeError","TypeError","TypeError","TypeError","AbortError"]"#
    );
}
