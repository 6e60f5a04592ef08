// Browsers in front of the real valord: what it serves is what the runtime takes, and both give the same answers.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { get, stopServiceWorkers, until } from "./browser.mjs";
import { component, SECRET, test, wasm } from "./valord.mjs";

const says = (text) => `export default { fetch: (request) => new Response(${JSON.stringify(text)} + " " + new URL(request.url).pathname) }`;
const runtime = async (page, url, init) => (await get(page, url, init)).headers["x-valor-runtime"];

test("prefixes, ids and who answers are the same here and there; what is not published is the server's", async (valord) => {
  await valord.publishText("foo", says("foo"));
  await valord.publishText("deep", says("deep"), { prefix: "/foo/there/deep" });
  await valord.ctl("register", valord.write("there.js", says("there")), "--name", "there", "--prefix", "/foo/there");
}, async ({ page }) => {
  for (const [path, text, by] of [
    ["/foo", "foo /", "browser"],
    ["/foo/a%20b", "foo /a%20b", "browser"],
    ["/foo/there", "there /", "server"],
    ["/foo/there/x", "there /x", "server"],
    ["/foo/therex", "foo /therex", "browser"],
    ["/foo/there/deep/x", "deep /x", "browser"],
    ["/foobar", "server GET /foobar", "server"],
  ]) {
    const here = await get(page, path, { headers: { "x-request-id": "mine-1" } });
    assert.deepEqual([here.text, here.headers["x-valor-runtime"], here.headers["x-correlation-id"]], [text, by, "mine-1"], path);
    const there = await get(page, path, { headers: { "x-valor-server": "1" } });
    assert.deepEqual([there.text, there.headers["x-valor-runtime"]], [text, "server"], path);
    assert.equal(here.headers["x-valor-plugin"], there.headers["x-valor-plugin"], path);
  }
  assert.equal((await get(page, "/_health")).status, 200);
});

test("a new version, another prefix, and the end of it, seen in a tab that stays open", async (valord) => {
  await valord.publishText("says", says("one"));
}, async ({ page, site: valord }) => {
  assert.equal((await get(page, "/says")).text, "one /");
  await valord.ctl("replace", "says", valord.write("two.js", says("two")), "--yes");
  await page.evaluate(() => valor.update());
  await until(async () => (await get(page, "/says")).text === "two /", "the new version");
  await until(async () => (await runtime(page, "/says")) === "browser", "the new version, here");
  await valord.ctl("replace", "says", "--prefix", "/said");
  await page.evaluate(() => valor.update());
  await until(async () => (await runtime(page, "/said")) === "browser", "the new prefix");
  assert.equal((await get(page, "/says")).text, "server GET /says");
  await valord.ctl("replace", "says", "--no-web");
  // Nothing is published any more: not even a manifest is.
  assert.equal((await fetch(`${valord.origin}/_valor/manifest.json`)).status, 404);
  await page.evaluate(() => valor.update());
  await until(async () => (await runtime(page, "/said")) === "server", "the end of it");
  assert.equal((await get(page, "/said")).text, "two /");
  // The service worker goes, too, and comes back with the next plugin.
  const registered = () => page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length);
  await page.reload();
  await until(async () => (await registered()) === 0, "the end of the service worker");
  assert.equal(await runtime(page, "/said"), "server");
  await valord.publishText("says", says("three"), { replace: true });
  await page.goto(valord.origin);
  await page.evaluate(() => import("/_valor/valor.js").then(({ ready }) => ready()));
  assert.deepEqual([(await get(page, "/says")).text, await runtime(page, "/says")], ["three /", "browser"]);
});

test("what cannot run here is answered by the server, and says why", async (valord) => {
  await valord.publishText("server-only", `if (typeof importScripts === "function" || globalThis.WorkerGlobalScope) throw new TypeError("no place for me"); ${says("from the server")}`);
  await valord.publishText("server-mode", says("never here"), { "web-mode": "server" });
}, async ({ page, site: valord }) => {
  const of = (name) => page.plugins.find((plugin) => plugin.name === name);
  assert.match(of("server-only").reason, /TypeError: no place for me/);
  const answer = await get(page, "/server-only/x");
  assert.deepEqual([answer.status, answer.text, answer.headers["x-valor-runtime"]], [200, "from the server /x", "server"]);
  assert.equal(await runtime(page, "/server-mode"), "server");
  const { plugins } = await (await fetch(`${valord.origin}/_valor/manifest.json`)).json();
  assert.deepEqual(plugins.map(({ name, mode, entry }) => [name, mode, entry === undefined]), [["server-mode", "server", true], ["server-only", "local-with-fallback", false]]);
});

test("a component runs here by JSPI, an instance a request, and bodies survive", (valord) => valord.publish("wasi", component, { "web-mode": "local", config: "Alice" }), async ({ page }) => {
  assert.deepEqual(page.plugins.map(({ kind, state, reason }) => [kind, state, reason]), [["wasi", "ready", undefined]]);
  const { text, headers } = await get(page, "/wasi");
  assert.deepEqual([text, headers["x-valor-runtime"]], ["OK response from a WASI component in Rust\n", "browser"]);
  assert.equal((await get(page, "/wasi/env")).text, 'VALOR_CONFIG="Alice"\n');
  const same = await page.evaluate(async () => {
    const sent = new Uint8Array(300_000).map((_, at) => at % 251);
    const got = new Uint8Array(await (await fetch("/wasi/echo", { method: "POST", body: sent })).arrayBuffer());
    return got.length === sent.length && got.every((byte, at) => byte === sent[at]);
  });
  assert.ok(same, "300 KB come back as they were");
  const many = await page.evaluate(() => Promise.all(Array.from({ length: 20 }, async (_, n) => (await fetch("/wasi/echo", { method: "POST", body: `${n}` })).text())));
  assert.deepEqual(many, Array.from({ length: 20 }, (_, n) => `${n}`), "side by side");
});

test("without JSPI the server answers for a component", (valord) => valord.publish("wasi", component), async (t) => {
  await t.context.addInitScript(() => delete WebAssembly.Suspending);
  const page = await t.open();
  assert.match(page.plugins[0].reason, /JSPI/);
  const { text, headers } = await get(page, "/wasi");
  assert.deepEqual([text, headers["x-valor-runtime"]], ["OK response from a WASI component in Rust\n", "server"]);
}, { cold: true });

test("without a network, and with a service worker that was stopped, every kind answers on", async (valord) => {
  await valord.publishText("js", says("js"));
  await valord.publish("module", `${wasm}/hello_plugin.wasm`);
  await valord.publish("wasi", component);
}, async (t) => {
  const { page, context, site: valord } = t;
  await page.evaluate(() => valor.offline());
  await valord.halt();
  await context.setOffline(true);
  const all = async () => {
    assert.equal((await get(page, "/js/x")).text, "js /x");
    assert.equal((await get(page, "/module")).text, "OK response from a plugin");
    assert.equal((await get(page, "/wasi")).text, "OK response from a WASI component in Rust\n");
  };
  await all();
  await stopServiceWorkers(t);
  await all();
  await page.reload();
  await page.evaluate(() => valor.ready());
  await all();
});

test("valord is started again: what was published is published, and the tab goes on", (valord) => valord.publish("wasi", component), async ({ page, site: valord }) => {
  const before = await (await fetch(`${valord.origin}/_valor/manifest.json`)).text();
  await valord.halt();
  assert.equal((await get(page, "/wasi")).headers["x-valor-runtime"], "browser");
  await valord.start();
  assert.equal(await (await fetch(`${valord.origin}/_valor/manifest.json`)).text(), before);
  await page.reload();
  await page.evaluate(() => valor.ready());
  assert.equal(await runtime(page, "/wasi"), "browser");
});

test("nothing but what was published is below /_valor/", async (valord) => {
  const file = valord.write("it.js", says("it"));
  await valord.ctl("register", file, "--name", "it", "--web", "--yes", "--config", JSON.stringify({ key: SECRET }), "--web-config", '"for all"',
    "--allow-env", `TOKEN=${SECRET}`, "--allow-net", `${SECRET}.example:443`, "--probe", `/${SECRET}`);
  await valord.ctl("register", valord.write("other.js", `// ${SECRET}\n${says("other")}`), "--name", "other");
}, async ({ site: valord }) => {
  const { files } = JSON.parse(await valord.ctl("-o", "json", "web", "bundle", "-o", valord.path("bundle")));
  const served = files.filter((path) => path.startsWith("_valor/")).map((path) => `/${path.replace(/(^|\/)index\.html$/, "$1")}`);
  assert.ok(served.length > 30 && served.includes("/_valor/") && served.includes("/_valor/manifest.json"), served.join(" "));
  for (const path of served) {
    const response = await fetch(valord.origin + path);
    assert.equal(response.status, 200, path);
    const all = JSON.stringify([...response.headers]) + (await response.text());
    assert.ok(!all.includes(SECRET), path);
  }
  const { plugins } = await (await fetch(`${valord.origin}/_valor/manifest.json`)).json();
  assert.deepEqual(plugins.map(({ name, config }) => [name, config]), [["it", "for all"]]);
});

test("an error of a plugin is shown on the page with its stack, beside the server's answer", async (valord) => {
  await valord.publishText("boom", 'export default { fetch() { return inner(); } };\nfunction inner() { throw new RangeError("thrown on purpose"); }');
  await valord.publish("hello", `${wasm}/hello_plugin.wasm`);
}, async (t) => {
  const page = await t.open("/_valor/", false);
  await page.waitForSelector("#plugins li");
  await page.fill("input[name=path]", "/boom");
  await page.click("#form > button");
  await until(async () => /RangeError: thrown on purpose\s+at inner .*plugins\/[0-9a-f]{64}\.js:2/.test(await page.textContent("#errors")), "the stack");
  for (const side of ["browser", "server"]) assert.match(await page.textContent(`#${side} pre`), /urn:valor:problem:plugin-failed/);
  await page.click("#plugins li:nth-child(2) button");
  await page.click("#form > button");
  await page.waitForSelector("#verdict.same");
  assert.match(await page.textContent("#browser table"), /x-valor-runtime\s*browser/);
  assert.match(await page.textContent("#server table"), /x-valor-runtime\s*server/);
  for (const side of ["browser", "server"]) assert.match(await page.textContent(`#${side} .time`), /^\d+\.\d ms$/);
  assert.deepEqual(t.log.filter((line) => line.includes("Content Security Policy")), []);
}, { cold: true });

test("a bundle runs on a static host, which sends nothing but types", async (valord) => {
  await valord.publishText("js", says("js"), { prefix: "/a/js", "web-mode": "local" });
  await valord.publish("wasi", component, { "web-mode": "local", config: "Alice" });
}, async ({ context, site: valord }) => {
  const folder = valord.path("bundle");
  await valord.ctl("web", "bundle", "-o", folder);
  await valord.halt();
  const types = { ".js": "text/javascript", ".wasm": "application/wasm", ".json": "application/json", ".html": "text/html", ".css": "text/css" };
  const host = createServer(async ({ url }, response) => {
    const path = url.replace(/\/$/, "/index.html");
    const bytes = await readFile(folder + path).catch(() => null);
    if (bytes === null) response.writeHead(404).end();
    else response.writeHead(200, { "content-type": types[extname(path)] ?? "application/octet-stream" }).end(bytes);
  }).listen(0, "127.0.0.1");
  await once(host, "listening");
  try {
    const page = await context.newPage();
    await page.goto(`http://localhost:${host.address().port}/`);
    await page.evaluate(() => valor.ready());
    assert.equal((await get(page, "/a/js/x")).text, "js /x");
    assert.equal((await get(page, "/wasi/env")).text, 'VALOR_CONFIG="Alice"\n');
    assert.equal((await get(page, "/nobody")).status, 404);
  } finally {
    host.closeAllConnections();
    host.close();
  }
}, { cold: true });
