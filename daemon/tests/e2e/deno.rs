//! Deno as the engine of JavaScript plugins: beside the shim, in the same sandbox, and never replaced by another one unasked.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use valor_control::v1::{Grants, InspectResponse};

use crate::artifacts::{BIN, built, command, old_deno, root};
use crate::client::{self, Spec};
use crate::ctl::valorctl;
use crate::daemon::{self, Daemon, directory};
use crate::harness::{PATIENCE, Valord};
use crate::js::{logged, module};

/// The program; who runs the tests again has gathered it, everybody else installs it.
pub(crate) fn program() -> PathBuf {
    if std::env::var_os(BIN).is_some() {
        return built("deno");
    }
    let installed = command(root().join("sdk/web/tools/deno.sh")).output().unwrap();
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    String::from_utf8(installed.stdout).unwrap().trim().into()
}

/// Whether a root file system can be made here, without which there is no Deno.
pub(crate) fn has_roots() -> bool {
    nix::unistd::geteuid().is_root() || command("unshare").arg("-U").arg("true").status().unwrap().success()
}

async fn valord() -> Valord {
    Valord::start_with(|app| app.supervisor.deno = Some(program())).await
}

fn spec(file: &Path) -> Spec {
    Spec::new(file, "x").change(|spec| spec.engine = "deno".into())
}

/// Registers the module at `/x`; `false`: this host has no roots, and it was refused for that.
async fn serves(valord: &Valord, source: &str, change: impl FnOnce(Spec) -> Spec) -> bool {
    let (_dir, file) = module(source);
    let registered = valord.try_register(change(spec(&file)).replace()).await;
    if has_roots() {
        registered.unwrap();
        return true;
    }
    let refused = registered.unwrap_err();
    assert!(refused.message().contains("needs a root file system"), "{refused}");
    eprintln!(
        "NOT TESTED: Deno does not run where there are no user namespaces; that it is refused by name was"
    );
    false
}

fn layers(inspected: &InspectResponse) -> BTreeMap<&str, (&str, bool)> {
    inspected.sandbox.iter().map(|row| (&*row.layer, (&*row.status, row.verified))).collect()
}

/// A client that has gone before its request was read leaves nothing behind, least of all two processes that ask each other for ever
/// whether they live.
#[tokio::test]
async fn who_has_gone_is_forgotten() {
    let valord = valord().await;
    let source = "export default { fetch: () => new Response('ok') };";
    if serves(&valord, source, |spec| spec.limits(|limits| limits.timeout_ms = 1000)).await {
        for _ in 0..500 {
            // The request and the end of its connection come together.
            let mut stream = TcpStream::connect(valord.address).await.unwrap();
            stream.write_all(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        }
        // The deadline, and what Deno has after it.
        tokio::time::sleep(Duration::from_millis(3500)).await;
        let pid = valord.pid("x").await;
        let before = switches(pid);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let made = switches(pid) - before;
        assert!(made < 1000, "{made} context switches in a second without a request");
        assert_eq!(valord.get("/x").await.text(), "ok");
    }
    valord.stop().await;
}

#[tokio::test]
async fn code_without_end_is_ended_also_when_its_client_has_gone() {
    let valord = valord().await;
    let source = "export default { async fetch(request) {
        if (new URL(request.url).pathname !== '/spin') return new Response('ok');
        console.log('it spins');
        await new Promise((resolve) => setTimeout(resolve, 50));
        for (;;);
    } };";
    if serves(&valord, source, |spec| spec.limits(|limits| limits.timeout_ms = 3000)).await {
        let mut stream = TcpStream::connect(valord.address).await.unwrap();
        stream.write_all(b"GET /x/spin HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        logged(&valord, "it spins").await;
        drop(stream);
        logged(&valord, "did not come to an end").await;
        let mended = async { while valord.get("/x").await.status != 200 {} };
        tokio::time::timeout(PATIENCE, mended).await.unwrap();
    }
    valord.stop().await;
}

/// Context switches of a process so far.
fn switches(pid: u32) -> u64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let of = |status: String| {
        let lines = status.lines().filter_map(|line| line.split_once("ctxt_switches:"));
        lines.map(|(_, count)| count.trim().parse::<u64>().unwrap()).sum::<u64>()
    };
    tasks.map(|task| of(std::fs::read_to_string(task.unwrap().path().join("status")).unwrap())).sum()
}

#[tokio::test]
async fn all_three_shapes_are_served_and_the_engine_is_shown() {
    let valord = valord().await;
    let answer = "const answer = (env) => Response.json({ env, deno: typeof Deno });";
    for (shape, of) in [
        ("export default { fetch: (request, env) => answer(env) };", "env"),
        ("export function handler(request, env) { return answer(env); }", "env"),
        ("addEventListener('fetch', (event) => event.respondWith(answer(event.env)));", "env"),
    ] {
        let config = json!({ "who": of });
        if !serves(&valord, &format!("{answer}\n{shape}"), |spec| spec.config(&config)).await {
            return valord.stop().await.close().unwrap();
        }
        let found: Value = serde_json::from_slice(&valord.get("/x").await.body).unwrap();
        assert_eq!(found, json!({ "env": { "who": of }, "deno": "object" }), "{shape}");
    }
    let inspected = valord.inspect("x").await;
    assert_eq!(inspected.engine, "deno");
    assert!(inspected.instances[0].sdk.starts_with("deno 2."), "{inspected:?}");
    let layers = layers(&inspected);
    for layer in ["mount-namespace", "net-namespace", "descriptors", "seal"] {
        assert_eq!(layers[layer].0, "full", "{layer}");
    }
    // Seen from outside, whoever valord is.
    for layer in ["seccomp", "engine-seccomp"] {
        assert_eq!(layers[layer], ("full", true), "{layer}");
    }
    assert_eq!(layers["engine-code"].0, "partial", "a compiler is not hidden");
    let has_keys = std::fs::read_to_string("/proc/cpuinfo").unwrap().contains(" ospke");
    let row = inspected.sandbox.iter().find(|row| row.layer == "engine-code").unwrap();
    assert_eq!(row.reason.contains("this machine has no protection keys"), !has_keys, "{row:?}");
    let control = valord.dir.path().join("control.sock");
    let exported = valorctl(&control, ["export"]).await.stdout;
    assert!(exported.contains("engine"), "{exported}");
    let file = valord.dir.path().join("exported.toml");
    std::fs::write(&file, exported).unwrap();
    let same = valorctl(&control, ["diff", "-f", file.to_str().unwrap()]).await;
    assert_eq!(same.code, 0, "{same:?}");
    // It comes back as it was.
    let dir = valord.stop().await;
    let valord = Valord::start_in(dir, |app| app.supervisor.deno = Some(program())).await;
    assert!(valord.until_state("x", "ready").await.kind == "js");
    assert!(valord.get("/x").await.text().contains("\"deno\":\"object\""));
    // And without Deno it fails, in no other engine.
    let dir = valord.stop().await;
    let valord = Valord::start_in(dir, |app| app.supervisor.deno = Some("/nowhere/deno".into())).await;
    assert!(valord.until_state("x", "failed").await.reason.contains("/nowhere/deno"));
    valord.stop().await;
}

#[tokio::test]
async fn bodies_stream_and_heads_travel_whole() {
    let valord = valord().await;
    let source = "export default { async fetch(request) {
        const headers = new Headers([['set-cookie', 'a=1'], ['set-cookie', 'b=2'], ['x-method', request.method]]);
        request.signal.addEventListener('abort', () => console.warn('the client has left'));
        if (request.url.endsWith('/drip')) return new Response(new ReadableStream({
            start: (c) => c.enqueue(new TextEncoder().encode('first')) }));
        return new Response(request.body, { status: 201, headers }); } }";
    if !serves(&valord, source, |spec| spec).await {
        return valord.stop().await.close().unwrap();
    }
    let body: Vec<u8> = (0..1_500_000_u32).map(|i| (i % 251) as u8).collect();
    let answer = valord.send("POST", "/x", Bytes::from(body.clone())).await;
    assert_eq!((answer.status, answer.header("x-method")), (201, "POST"));
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    assert!(answer.body == body);
    let asked = client::send(valord.address, client::request("GET", "/x/drip", Bytes::new()));
    let mut answer = tokio::time::timeout(PATIENCE, asked).await.unwrap().unwrap();
    let first = http_body_util::BodyExt::frame(answer.body_mut());
    let first = tokio::time::timeout(PATIENCE, first).await.unwrap().unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "first", "before the body is complete");
    drop(answer);
    logged(&valord, "the client has left").await;
    valord.stop().await;
}

/// What an author does not ask for is not made; nobody may notice.
const LATE: &str = "const once = new Response('once');
const tries = {
    is: (r) => [r instanceof Request, r.constructor === Request, String(r), r.method, new URL(r.url).search],
    fields: (r) => [r.headers.get('x-forwarded-prefix'), [...new Request(r).headers].length === [...r.headers].length],
    clone: async (r) => { const c = r.clone(); return [c instanceof Request, await c.text(), await r.text(), r.bodyUsed]; },
    copy: async (r) => {
        const c = new Request(r, { headers: { a: 'b' } });
        return [c.method, c.headers.get('a'), await c.text(), r.bodyUsed];
    },
    sub: async (r) => { class Own extends Request {} const own = new Own(r); return [own instanceof Own, await own.json()]; },
    response: () => [new Response('') instanceof Response, Response.json(1) instanceof Response, new Response('').constructor === Response],
};
export default { async fetch(request) {
    const name = new URL(request.url).pathname.slice(1);
    switch (name) {
        case 'once': return once;
        case 'used': { const r = new Response('x'); await r.text(); return r; }
        case 'locked': { const r = new Response('x'); r.body.getReader(); return r; }
        case 'seen': { const r = new Response('x'); r.body; return r; }
        case 'half': return new Response('\\ud800');
        case 'long': return new Response('\u{e9}'.repeat(100_000));
        case 'left': request.clone().signal.addEventListener('abort', () => console.warn('the clone was told'));
            new Request(request).signal.addEventListener('abort', () => console.warn('the copy was told'));
            return new Promise(() => {});
    }
    return Response.json(await tries[name](request));
} };";

#[tokio::test]
async fn what_is_made_late_is_what_it_would_have_been() {
    let valord = valord().await;
    if !serves(&valord, LATE, |spec| spec.limits(|limits| limits.timeout_ms = 1000)).await {
        return valord.stop().await.close().unwrap();
    }
    for (name, expected) in [
        ("is?a=b", json!([true, true, "[object Request]", "POST", "?a=b"])),
        ("fields", json!(["/x", true])),
        ("clone", json!([true, "7", "7", true])),
        ("copy", json!(["POST", "b", "7", true])),
        ("sub", json!([true, 7])),
        ("response", json!([true, true, true])),
    ] {
        let answer = valord.send("POST", &format!("/x/{name}"), "7").await;
        assert_eq!(answer.text(), expected.to_string(), "{name}");
    }
    assert_eq!(valord.get("/x/once").await.text(), "once");
    for name in ["once", "used", "locked"] {
        valord.get(&format!("/x/{name}")).await.problem(500, "x");
    }
    assert_eq!(valord.get("/x/seen").await.text(), "x");
    assert_eq!(valord.get("/x/half").await.text(), "\u{fffd}");
    assert_eq!(valord.get("/x/long").await.text(), "\u{e9}".repeat(100_000));
    valord.get("/x/left").await.problem(504, "x");
    logged(&valord, "the clone was told").await;
    logged(&valord, "the copy was told").await;
    valord.stop().await;
}

const TROUBLE: &str = "export default {
  async fetch(request) {
    switch (new URL(request.url).pathname) {
      case '/throw': throw new RangeError('too far');
      case '/text': throw 'only a text';
      case '/reject': Promise.reject(new Error('nobody cares')); return new Response('fine');
      case '/number': return 7;
      case '/twice': await request.text(); await request.text();
      case '/never': return new Promise(() => {});
      case '/spin': for (;;);
      case '/exit': Deno.exit(3);
    }
    return new Response('fine');
  },
};";

#[tokio::test]
async fn what_goes_wrong_is_answered_logged_and_mended() {
    let valord = valord().await;
    let limits = |spec: Spec| spec.limits(|limits| limits.timeout_ms = 3000);
    if !serves(&valord, TROUBLE, limits).await {
        return valord.stop().await.close().unwrap();
    }
    for (path, line) in [
        ("throw", "RangeError: too far"),
        ("text", "only a text"),
        ("number", "has to return a Response, not 7"),
        ("twice", "TypeError"),
    ] {
        valord.send("POST", &format!("/x/{path}"), "body").await.problem(500, "x");
        logged(&valord, line).await;
    }
    assert!(logged(&valord, "RangeError: too far").await.contains("/plugin/x.js:4:"));
    assert_eq!(valord.get("/x/reject").await.text(), "fine");
    assert!(logged(&valord, "nobody cares").await.contains("/plugin/x.js:6:"));
    valord.get("/x/never").await.problem(504, "x");
    assert_eq!(valord.get("/x").await.text(), "fine");
    assert_eq!(valord.plugin("x").await.restarts, 0);
    let mended = async { while valord.get("/x").await.status != 200 {} };
    valord.get("/x/exit").await.problem(502, "x");
    tokio::time::timeout(PATIENCE, mended).await.unwrap();
    valord.get("/x/spin").await.problem(504, "x");
    logged(&valord, "did not come to an end").await;
    let mended = async { while valord.get("/x").await.status != 200 {} };
    tokio::time::timeout(PATIENCE, mended).await.unwrap();
    assert_eq!(valord.plugin("x").await.restarts, 2);
    valord.stop().await;
}

#[tokio::test]
async fn it_reaches_its_own_files_and_granted_addresses_only() {
    let valord = valord().await;
    let source = "import { readFileSync } from 'node:fs';
    const tries = {
        own: async () => { await Deno.writeTextFile('/data/x', 'kept'); return await Deno.readTextFile('/data/x'); },
        passwd: () => Deno.readTextFile('/etc/passwd'),
        node: () => readFileSync('/engine/main.mjs', 'utf8'),
        connect: () => Deno.connect({ port: 80 }),
        unix: () => Deno.listen({ transport: 'unix', path: '/tmp/s' }),
        run: () => new Deno.Command('/engine/program').output(),
        ffi: () => Deno.dlopen('/lib/libc.so.6', {}),
        env: () => Deno.env.get('PATH'),
        remote: () => import('https://example.org/x.js'),
        npm: () => import('npm:chalk'),
        worker: () => new Promise((resolve, reject) => {
            const code = 'fetch(\"http://127.0.0.1:1/\").catch((e) => postMessage(e.message))';
            const worker = new Worker(`data:text/javascript,${code}`, { type: 'module' });
            worker.onmessage = (event) => reject(new Error(event.data));
        }),
    };
    export default { async fetch(request) {
        const url = new URL(request.url);
        try {
            if (url.searchParams.has('url')) return await fetch(url.searchParams.get('url'));
            return new Response(await tries[url.pathname.slice(1)]());
        } catch (error) { return new Response(`${error.name}: ${error.message}`, { status: 403 }); } } };";
    if !serves(&valord, source, |spec| spec).await {
        return valord.stop().await.close().unwrap();
    }
    assert_eq!(valord.get("/x/own").await.text(), "kept");
    for try_ in ["passwd", "node", "connect", "unix", "run", "ffi", "env", "remote", "npm", "worker"] {
        let answer = valord.get(&format!("/x/{try_}")).await;
        assert_eq!(answer.status, 403, "{try_}: {}", answer.text());
    }
    let url = format!("http://{}/target", valord.address);
    let (_dir, target) =
        module("export default { fetch: (r) => new Response(`target ${r.url.split('?')[1]}`) }");
    valord.register(Spec::new(target, "target")).await;
    assert_eq!(valord.get("/x?url=/target%3Fa").await.text(), "target a");
    let refused = valord.get(&format!("/x?url={url}")).await;
    assert!(refused.status == 403 && refused.text().contains("is not granted"), "{}", refused.text());
    let deep = format!("{}/target", "/x?url=".repeat(20));
    assert_eq!(valord.get(&deep).await.status, 403, "requests keep their depth");
    let granted = Grants { net: vec![valord.address.to_string()], ..Grants::default() };
    assert!(serves(&valord, source, |spec| spec.change(|spec| spec.grants = Some(granted))).await);
    assert_eq!(valord.get(&format!("/x?url={url}%3Fb")).await.text(), "target b");
    valord.stop().await;
}

#[tokio::test]
async fn an_engine_that_is_not_to_be_had_is_refused_by_name() {
    let dir = directory();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("wrapper"), "#!/usr/bin/env node\n").unwrap();
    std::fs::copy("/bin/true", at("other")).unwrap();
    std::fs::copy(built("libhello_plugin.so"), at("library")).unwrap();
    std::fs::copy("/bin/true", at("closed")).unwrap();
    for (name, mode) in [("wrapper", 0o755), ("other", 0o755), ("library", 0o755), ("closed", 0o700)] {
        std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let source =
        "/* valor { \"engine\": \"deno\" } */ export default { fetch: () => new Response(typeof Deno) };";
    let (_dir, file) = module(source);
    for (name, parts) in [
        ("missing", &["cannot be read", "valord.toml"][..]),
        ("wrapper", &["is a script, not Deno itself", "/path/of/deno"]),
        ("library", &["it is a library"]),
        ("closed", &["may not execute"]),
    ] {
        let valord = Valord::start_with(|app| app.supervisor.deno = Some(at(name))).await;
        // By its manifest: nobody has named an engine.
        let refused = valord.try_register(Spec::new(&file, "x")).await.expect_err(name);
        let text = format!("{refused:?}");
        for part in parts {
            assert!(text.contains(part) || refused.message().contains(part), "{name}: {text}");
        }
        assert!(valord.names().await.is_empty(), "{name}");
        for engine in ["auto", "quickjs"] {
            let asked = Spec::new(&file, "x").replace().change(|spec| spec.engine = engine.into());
            valord.register(asked).await;
            assert_eq!(valord.get("/x").await.text(), "undefined", "{name}: {engine}");
            assert!(valord.inspect("x").await.instances[0].sdk.starts_with("quickjs"));
        }
        for (engine, file) in [("v8", &file), ("deno", &built("libhello_plugin.so"))] {
            let asked = Spec::new(file, "y").change(|spec| spec.engine = engine.into());
            let refused = valord.try_register(asked).await.expect_err(engine);
            assert!(format!("{refused:?}").contains("engine"), "{refused:?}");
        }
        valord.stop().await;
    }
    if has_roots() {
        let valord = Valord::start_with(|app| app.supervisor.deno = Some(at("other"))).await;
        let refused = valord.try_register(Spec::new(&file, "x")).await.unwrap_err();
        assert!(refused.message().contains("ended before it could begin"), "{refused}");
        valord.stop().await;
    }
}

/// A daemon whose `PATH` is these directories.
async fn with_path(dir: &Path, path: &[&Path]) -> Daemon {
    let mut command = daemon::valord(&dir.join("control.sock"), &dir.join("state"));
    command.env("PATH", std::env::join_paths(path).unwrap());
    Daemon::run(command, dir).await
}

const WHICH: &str = "export default { fetch: () => new Response(typeof Deno) };";

/// What a plugin of this engine says of it.
async fn which(daemon: &Daemon, engine: &str) -> Result<String, tonic::Status> {
    let (_dir, file) = module(WHICH);
    let asked = Spec::new(file, "x").replace().change(|spec| spec.engine = engine.into());
    client::register(daemon.control.clone(), asked).await?;
    let answer = client::send(daemon.address, client::request("GET", "/x", "")).await.unwrap();
    Ok(client::whole(answer).await.unwrap().text().to_owned())
}

#[tokio::test]
async fn it_is_found_on_the_path_or_missed_by_name() {
    let (dir, empty, scripts, real) = (directory(), directory(), directory(), directory());
    let script = scripts.path().join("deno");
    std::fs::write(&script, "#!/usr/bin/env node\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink(program(), real.path().join("deno")).unwrap();

    let daemon = with_path(dir.path(), &[empty.path()]).await;
    let refused = which(&daemon, "deno").await.unwrap_err();
    assert!(refused.message().contains("there is no `deno` on the PATH"), "{refused}");
    let text = format!("{refused:?}");
    for cure in ["install Deno", "deno = ", "valord.toml", "--engine quickjs"] {
        assert!(text.contains(cure), "{cure}: {text}");
    }
    assert_eq!(which(&daemon, "auto").await.unwrap(), "undefined");
    let refused = which(&daemon, "deno").await.unwrap_err();
    assert!(refused.message().contains("no `deno` on the PATH"), "{refused}");
    let kept = client::send(daemon.address, client::request("GET", "/x", "")).await.unwrap();
    assert_eq!(kept.status(), 200, "a replacement that fails leaves what was there");
    drop(daemon);

    // A script is passed over for the program itself.
    let dir = directory();
    let daemon = with_path(dir.path(), &[empty.path(), scripts.path(), real.path()]).await;
    if has_roots() {
        assert_eq!(which(&daemon, "deno").await.unwrap(), "object");
        assert_eq!(which(&daemon, "auto").await.unwrap(), "object");
    } else {
        assert!(which(&daemon, "deno").await.unwrap_err().message().contains("needs a root file system"));
        assert_eq!(which(&daemon, "auto").await.unwrap(), "undefined");
    }
}

#[tokio::test]
async fn one_that_is_too_old_is_refused_and_replaced_only_where_that_was_asked_for() {
    let valord = Valord::start_with(|app| app.supervisor.deno = Some(old_deno())).await;
    let (_dir, file) = module(WHICH);
    let refused = valord.try_register(spec(&file)).await.unwrap_err();
    let why = if has_roots() { "Deno 1.46.3 is too old: 2.9 or later" } else { "needs a root file system" };
    assert!(refused.message().contains(why), "{refused}");
    if has_roots() {
        let text = format!("{refused:?}");
        assert!(text.contains("install a later Deno") && text.contains("valord.toml"), "{text}");
    }
    assert!(valord.names().await.is_empty());
    valord.register(Spec::new(&file, "x").change(|spec| spec.engine = "auto".into())).await;
    assert_eq!(valord.get("/x").await.text(), "undefined");
    assert!(valord.inspect("x").await.instances[0].sdk.starts_with("quickjs"));
    let line = logged(&valord, "Deno cannot be used, QuickJS runs it").await;
    assert!(line.contains(why), "{line}");
    valord.stop().await;
}

/// The server that the suite fetches from, as `runner.js` describes it.
const SERVER: &str = "export default { async fetch(request) {
    const { pathname } = new URL(request.url);
    switch (pathname) {
        case '/echo': {
            const type = request.headers.get('content-type');
            const headers = { 'x-method': request.method, ...(type && { 'content-type': type }) };
            return new Response(await request.arrayBuffer(), { headers });
        }
        case '/stream': return new Response(ReadableStream.from(['a', 'b', 'c']).pipeThrough(new TextEncoderStream()));
        case '/redirect': return new Response(null, { status: 302, headers: { location: '/status/200' } });
        case '/never': return new Promise(() => {});
        default: return new Response(null, { status: Number(pathname.slice('/status/'.length)) });
    } } }";

/// Of the conformance suite nothing fails here but what its table says.
#[tokio::test]
async fn the_conformance_suite_passes_but_for_what_the_table_says() {
    let valord = valord().await;
    let (_dir, server) = module(SERVER);
    valord.register(Spec::new(server, "server").change(|spec| spec.prefix = "/".into())).await;
    let folder = root().join("sdk/web/conformance");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let names = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let names: Vec<String> = names.filter(|name| name.ends_with(".js") && name != "runner.js").collect();
    let (mut failed, mut ran) = (BTreeMap::new(), 0);
    for name in names {
        let source = format!(
            "{}\n{}\nexport default {{ fetch: async (_, env) => Response.json(await run(tests, env.origin)) }};",
            read("runner.js").replace("export ", ""),
            read(&name),
        );
        let granted = Grants { net: vec![valord.address.to_string()], ..Grants::default() };
        let origin = json!({ "origin": format!("http://{}", valord.address) });
        let change = |spec: Spec| {
            spec.config(&origin).change(|spec| spec.grants = Some(granted)).limits(|limits| {
                limits.timeout_ms = 60_000;
            })
        };
        if !serves(&valord, &source, change).await {
            return valord.stop().await.close().unwrap();
        }
        let answer = valord.get("/x").await;
        let results: BTreeMap<String, Option<String>> = serde_json::from_slice(&answer.body).unwrap();
        ran += results.len();
        failed.extend(results.into_iter().filter_map(|(test, why)| Some((test, why?))));
    }
    assert!(ran > 100, "only {ran} tests were found");
    let table = read("DIFFERENCES.md");
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows = table.lines().map(cells).filter(|cells| cells.len() > 3 && cells[1] == "valord's deno");
    let allowed: BTreeSet<String> = rows.map(|cells| cells[2].clone()).collect();
    let surprises: Vec<_> = failed.iter().filter(|(name, _)| !allowed.contains(*name)).collect();
    assert!(surprises.is_empty(), "{surprises:#?}");
    let passing: Vec<_> = allowed.iter().filter(|name| !failed.contains_key(*name)).collect();
    assert!(passing.is_empty(), "the table says that these fail: {passing:?}");
    valord.stop().await;
}
