use valor_wire::ResetCode;

use crate::harness::{Engine, Seen};

#[test]
fn a_body_that_is_large_survives_both_ways() {
    let body: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    for source in [
        "export default { fetch: (r) => new Response(r.body) }",
        "export default { fetch: async (r) => new Response(await r.arrayBuffer()) }",
        "export default { fetch: (r) => new Response(r.body.pipeThrough(new TransformStream())) }",
    ] {
        let mut engine = Engine::ready(source);
        let id = engine.link.open("POST", "/", &[], 0, false);
        // By turns, so that neither side has to hold it all.
        engine.link.send(id, &body, true);
        let answer = engine.link.answer(id);
        assert!(answer.body == body, "{source}: {:?} {}", answer.reset, answer.body.len());
        engine.finish();
    }
}

#[test]
fn parts_come_as_they_are_made() {
    let mut engine = Engine::ready(
        "export default { fetch(r) {
            const { readable, writable } = new TransformStream();
            const writer = writable.getWriter();
            (async () => { for await (const chunk of r.body) { await writer.write(chunk); } await writer.close(); })();
            return new Response(readable, { headers: { 'content-type': 'text/event-stream' } }); } }",
    );
    let id = engine.link.open("POST", "/", &[], 0, false);
    assert!(matches!(engine.link.next(|s| s.id() == id), Seen::Response { status: 200, .. }));
    for part in ["one", "two", "three"] {
        engine.link.send(id, part.as_bytes(), false);
        let Seen::Data { data, .. } = engine.link.next(|s| s.id() == id) else { panic!("no data") };
        assert_eq!(data, part.as_bytes());
    }
    engine.link.send(id, b"", true);
    assert_eq!(engine.link.body(id), b"");
}

#[test]
fn who_reads_slowly_holds_up_only_its_own() {
    let mut engine = Engine::ready(
        "let made = 0;
         export default { fetch(r) {
            if (r.url.endsWith('/made')) return new Response(String(made));
            const pull = (c) => { made += 65536; c.enqueue(new Uint8Array(65536)); };
            return new Response(new ReadableStream({ pull }, { highWaterMark: 0 })); } }",
    );
    engine.link.greedy = false;
    let id = engine.link.open("GET", "/", &[], 0, true);
    let mut got = 0;
    // The window is used up, and then nothing more is made, however often somebody else is answered.
    while got < 128 * 1024 {
        if let Seen::Data { data, .. } = engine.link.next(|s| s.id() == id) {
            got += data.len();
        }
    }
    let made = |engine: &mut Engine| engine.get("/made").text().parse::<usize>().unwrap();
    let first = made(&mut engine);
    assert!(first <= 128 * 1024 + 2 * 65536, "{first}");
    for _ in 0..10 {
        assert_eq!(made(&mut engine), first);
    }
    engine.link.consume(id, got);
    let Seen::Data { .. } = engine.link.next(|s| s.id() == id) else { panic!("no data") };
    assert!(made(&mut engine) > first);
}

#[test]
fn a_request_body_is_taken_only_as_it_is_read() {
    let mut engine = Engine::ready(
        "let reader; export default { async fetch(r) {
            if (r.url.endsWith('/read')) { const { value } = await reader.read(); return new Response(String(value.length)); }
            reader = r.body.getReader(); return new Promise(() => {}); } }",
    );
    let id = engine.link.open("POST", "/", &[], 0, false);
    let window = engine.link.capacity(id);
    engine.link.send(id, &vec![7; window], false);
    assert_eq!(engine.link.capacity(id), 0);
    assert!(engine.get("/read").text().parse::<usize>().unwrap() > 0);
    while engine.link.capacity(id) == 0 {
        engine.get("/read");
    }
}

#[test]
fn a_stream_that_breaks_breaks_the_answer() {
    let mut engine = Engine::ready(
        "export default { fetch(r) {
            let n = 0;
            const pull = (c) => { if (n++) throw new Error('broke'); c.enqueue(new Uint8Array(3)); };
            const wrong = (c) => c.enqueue('text');
            return new Response(new ReadableStream({ pull: r.url.endsWith('/wrong') ? wrong : pull })); } }",
    );
    for (path, part) in [("/", "Error: broke\n    at pull (test.js:3:"), ("/wrong", "no Uint8Array")] {
        let answer = engine.get(path);
        assert_eq!((answer.status, answer.code()), (200, Some(ResetCode::Failed)));
        engine.log(part);
    }
}

#[test]
fn a_client_that_leaves_cancels_the_stream() {
    let mut engine = Engine::ready(
        "export default { fetch() { return new Response(new ReadableStream({
            start(c) { c.enqueue(new Uint8Array(1)); }, cancel(why) { console.log('cancelled', why.message); } })); } }",
    );
    let id = engine.link.open("GET", "/", &[], 0, true);
    engine.link.next(|s| matches!(s, Seen::Data { .. }));
    engine.link.reset(id, ResetCode::Cancel, "went home");
    engine.log("cancelled cancelled: went home");
}

#[test]
fn a_client_that_leaves_breaks_the_body_that_is_read() {
    let mut engine = Engine::ready(
        "export default { async fetch(r) { console.log('here'); try { await r.text(); } catch (e) { console.log('broken', e.message); } } }",
    );
    let id = engine.link.open("POST", "/", &[], 0, false);
    engine.log("here");
    engine.link.reset(id, ResetCode::Cancel, "went home");
    engine.log("broken cancelled: went home");
}
