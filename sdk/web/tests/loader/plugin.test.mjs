// The loader with what Cargo builds: every power of the SDK, in the bytes that valord runs, too.

import assert from "node:assert/strict";
import test from "node:test";

import { PluginError, compile, instantiate, manifest } from "../../valor-wasm.js";
import { wasm } from "./built.mjs";

const bytes = wasm("valor_test_guest_plugin");
const start = (options = {}) => instantiate(bytes, { log: () => {}, ...options });
const request = (path, init) => new Request(`http://localhost${path}`, init);
const text = async (plugin, path, init) => (await plugin.fetch(request(path, init))).text();
const seen = async (plugin) => (await plugin.fetch(request("/seen"))).json();
const later = () => new Promise((resolve) => setTimeout(resolve, 5));

test("the smallest plugin answers, and says who it is", async () => {
  const hello = wasm("hello_plugin");
  assert.equal(await text(await instantiate(hello), "/"), "OK response from a plugin");
  assert.equal(manifest(await compile(hello)).name, "hello");
});

test("configuration, name and state are the instance's", async () => {
  const alice = await start({ name: "alice", config: { of: "Alice" } });
  const bob = await start({ config: "Bob" });
  assert.deepEqual([await text(alice, "/name"), await text(alice, "/config"), await text(bob, "/config")], ["alice", '{"of":"Alice"}', '"Bob"']);
  assert.deepEqual([(await seen(alice)).requests, (await seen(bob)).requests], [3, 2]);
});

test("heads arrive as they are, both ways", async () => {
  const plugin = await start();
  const headers = [["host", "example.org"], ["x-a", "1"], ["x-a", "gr\xFC\xDFe"]];
  const answer = await plugin.request({ method: "PURGE", target: "/head?a=%20b", headers });
  const head = await new Response(answer.body).json();
  assert.deepEqual([head.method, head.target], ["PURGE", "/head?a=%20b"]);
  assert.deepEqual(head.fields.map(([name, value]) => [name, String.fromCharCode(...value)]), headers);
  const fields = await plugin.request({ method: "GET", target: "/fields", headers: [] });
  assert.equal(fields.status, 418);
  assert.deepEqual(fields.headers.filter(([name]) => name === "set-cookie").map(([, value]) => value), ["a=1", "b=2"]);
  assert.deepEqual(fields.headers.find(([name]) => name === "x-bytes"), ["x-bytes", "gr\xFC\xDFe"]);
  assert.deepEqual((await plugin.fetch(request("/fields"))).headers.getSetCookie?.() ?? ["a=1", "b=2"], ["a=1", "b=2"]);
});

test("large bodies go both ways, beyond every window", async () => {
  const plugin = await start();
  const body = new Uint8Array(5 << 20).map((_, i) => i * 7);
  const echoed = new Uint8Array(await (await plugin.fetch(request("/echo", { method: "POST", body }))).arrayBuffer());
  assert.ok(Buffer.from(echoed).equals(Buffer.from(body)));
  assert.equal(await text(plugin, "/length", { method: "POST", body }), String(body.length));
  assert.equal((await (await plugin.fetch(request("/zeros?bytes=3000000"))).arrayBuffer()).byteLength, 3_000_000);
});

test("bodies are streams: a part is answered before the next is sent", async () => {
  const plugin = await start();
  let send;
  const body = new ReadableStream({ start: (controller) => void (send = controller) });
  const answer = await plugin.request({ method: "POST", target: "/echo", headers: [], body });
  const reader = answer.body.getReader();
  for (const part of ["one", "two"]) {
    send.enqueue(new TextEncoder().encode(part));
    assert.equal(new TextDecoder().decode((await reader.read()).value), part);
  }
  send.close();
  assert.equal((await reader.read()).done, true);
});

test("a slow reader holds the plugin back, and one that leaves ends its work", async () => {
  const plugin = await start();
  const reader = (await plugin.fetch(request("/endless"))).body.getReader();
  let read = 0;
  while (read < 1 << 20) read += (await reader.read()).value.length;
  await reader.cancel();
  assert.equal((await seen(plugin)).dropped, 1);
  assert.equal(await text(plugin, "/name"), "plugin");
});

test("many requests wait at once, and the last may be the first", async () => {
  const plugin = await start();
  let send;
  const body = new ReadableStream({ start: (controller) => void (send = controller) });
  const first = plugin.request({ method: "POST", target: "/length", headers: [], body });
  const all = await Promise.all(Array.from({ length: 500 }, () => text(plugin, "/sleep?ms=1")));
  assert.ok(all.every((one) => one === "slept"));
  send.enqueue(new Uint8Array(3));
  send.close();
  assert.equal(await new Response((await first).body).text(), "3");
});

test("time, timeouts, ticks and randomness", async () => {
  const plugin = await start();
  assert.equal(await text(plugin, "/timeout?ms=5"), "deadline has elapsed");
  assert.equal(await text(plugin, "/ticks?ms=2"), "0\n1\n2\n");
  const before = Date.now();
  const now = Number(await text(plugin, "/now"));
  assert.ok(before <= now && now <= Date.now());
  const [a, b] = [await text(plugin, "/random"), await text(plugin, "/random")];
  assert.ok(a !== b && JSON.parse(a).length === 32);
});

test("a deadline and a signal end the work, and say which", async () => {
  const plugin = await start();
  await assert.rejects(plugin.fetch(request("/forever"), { deadline: 10 }), { name: "PluginError", code: "deadline" });
  const controller = new AbortController();
  const answer = plugin.fetch(request("/forever"), { signal: controller.signal });
  await later();
  controller.abort();
  await assert.rejects(answer, { code: "cancelled" });
  await assert.rejects(plugin.fetch(request("/forever"), { signal: AbortSignal.abort() }), { code: "cancelled" });
  assert.equal((await seen(plugin)).dropped, 2);
});

test("a task that never rests lets the others have their turn", async () => {
  const plugin = await start();
  const busy = plugin.fetch(request("/busy"), { deadline: 50 });
  assert.equal(await text(plugin, "/sleep?ms=5"), "slept");
  await assert.rejects(busy, { code: "deadline" });
});

test("fetch goes through the host: answers, bodies, failures", async () => {
  const asked = [];
  const plugin = await start({
    fetch: async (url, init) => {
      asked.push([url, init.method]);
      if (url === "/no") throw new Error("nobody is there");
      const sent = init.body ? await new Response(init.body).text() : "";
      return new Response(`${url} ${new Headers(init.headers).get("x-relayed")} ${sent.length}`, { status: 203 });
    },
  });
  const answer = await plugin.fetch(request("/fetch", { method: "POST", body: "http://example.org/a" }));
  assert.deepEqual([answer.status, await answer.text()], [203, "http://example.org/a null 0"]);
  const body = "x".repeat(700_000);
  assert.equal(await text(plugin, "/relay", { method: "POST", body }), "/sink yes 700000");
  const failed = await plugin.fetch(request("/fetch", { method: "POST", body: "/no" }));
  assert.equal(failed.status, 502);
  assert.deepEqual(asked, [["http://example.org/a", "GET"], ["/sink", "POST"], ["/no", "GET"]]);
});

test("a fetch ends with the deadline of its request, and with its request", async () => {
  const signals = [];
  const plugin = await start({
    fetch: (url, { signal }) => new Promise((_, reject) => {
      signals.push(signal);
      signal.addEventListener("abort", () => reject(signal.reason));
    }),
  });
  await assert.rejects(plugin.fetch(request("/fetch", { method: "POST", body: "/x" }), { deadline: 20 }), { code: "deadline" });
  await later();
  assert.deepEqual(signals.map((signal) => signal.aborted), [true]);
});

test("on_create may wait and fetch; when it fails, it says why", async () => {
  const plugin = await start({ config: { sleep: 5, fetch: "/greeting" }, fetch: async () => new Response("hello") });
  assert.equal((await seen(plugin)).fetched, "hello");
  await assert.rejects(start({ config: { fail: "no such table" } }), { code: "create", message: /no such table/ });
});

test("errors of handlers and bodies are answers, or end only their exchange", async () => {
  const plugin = await start();
  const bad = await plugin.fetch(request("/bad"));
  assert.deepEqual([bad.status, bad.headers.get("content-type")], [400, "application/problem+json"]);
  const broken = await plugin.fetch(request("/broken"));
  await assert.rejects(broken.text(), { code: "failed", message: /the disk is gone/ });
  const body = new ReadableStream({ start: (controller) => controller.error(new Error("cut")) });
  await assert.rejects(plugin.request({ method: "POST", target: "/length", headers: [], body }), { code: "failed", message: /cut/ });
  assert.equal(await text(plugin, "/name"), "plugin");
});

test("a panic is logged with its place, fails all that is in flight, and a new instance is fresh", async () => {
  const lines = [];
  const plugin = await start({ log: (line) => lines.push(line) });
  const waiting = plugin.fetch(request("/forever"));
  const streaming = await plugin.fetch(request("/endless"));
  await assert.rejects(plugin.fetch(request("/panic")), { code: "trap", message: /on purpose/ });
  await assert.rejects(waiting, { code: "trap" });
  await assert.rejects(streaming.text(), { code: "trap" });
  await assert.rejects(plugin.fetch(request("/name")), { code: "trap" });
  assert.equal((await plugin.closed).code, "trap");
  assert.match(lines.find(({ target }) => target === "panic").message, /lib\.rs:\d+:\d+:\non purpose/);
  assert.equal((await seen(await start())).requests, 1);
});

test("lines of the log have level and target; close() is final", async () => {
  const lines = [];
  const plugin = await start({ log: (line) => lines.push(line) });
  await text(plugin, "/log");
  assert.deepEqual(lines, [{ level: "warn", target: "valor_test_guest_plugin", message: "a line" }]);
  const waiting = plugin.fetch(request("/forever"));
  plugin.close();
  await assert.rejects(waiting, PluginError);
  await assert.rejects(plugin.fetch(request("/name")), { code: "closed" });
});

test("what cannot be sent is refused, and nothing else happens", async () => {
  const plugin = await start();
  const head = (headers, target = "/name") => plugin.request({ method: "GET", target, headers });
  await assert.rejects(head([["x", "\u{20AC}"]]), { code: "refused" });
  await assert.rejects(head(Array.from({ length: 129 }, () => ["x", ""])), { code: "refused" });
  await assert.rejects(head([["x", "a".repeat(65_000)]], `/${"a".repeat(65_000)}`), { code: "refused" });
  assert.equal(await text(plugin, "/name"), "plugin");
});
