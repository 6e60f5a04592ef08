// Parts of the runtime that need no browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Receiver, Sender, WINDOW } from "../runtime/pipe.js";
import { pause, same, unsupported } from "../runtime/rules.js";
import { find, table } from "../runtime/routes.js";

/** A sender and a receiver on the two ends of a channel. */
function pair(stream) {
  const { port1, port2 } = new MessageChannel();
  const sender = new Sender(port1, 7, stream, false);
  let over = 0;
  const receiver = new Receiver(port2, 7, () => over++);
  port1.onmessage = ({ data }) => (data.type === "credit" ? sender.credit(data.bytes) : sender.stop());
  port2.onmessage = ({ data }) => (data.type === "data" ? receiver.data(data.chunk) : data.type === "end" ? receiver.end() : receiver.fail(new TypeError(data.reason)));
  const close = () => (port1.close(), port2.close());
  return { sender, receiver, close, over: () => over };
}

test("who does not read is not sent more than a window, and gets all of it when it reads", async () => {
  const part = 1 << 16;
  const parts = 64;
  let made = 0;
  const stream = new ReadableStream({ pull: (c) => (made < parts ? c.enqueue(new Uint8Array(part).fill(made++)) : c.close()) }, { highWaterMark: 0 });
  const { sender, receiver, close, over } = pair(stream);
  const sent = sender.run();
  for (let turn = 0; turn < 2000; turn++) await new Promise(setImmediate);
  assert.equal(made * part, WINDOW + part);
  let got = 0;
  for await (const chunk of receiver.stream) got += chunk.byteLength;
  await sent;
  assert.deepEqual([got, made, over()], [part * parts, parts, 1]);
  close();
});

test("who stops reading stops the sender", async () => {
  let why = null;
  const stream = new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(WINDOW)), cancel: () => (why = "cancelled") }, { highWaterMark: 0 });
  const { sender, receiver, close } = pair(stream);
  const sent = sender.run();
  const reader = receiver.stream.getReader();
  await reader.read();
  await reader.cancel();
  await sent;
  assert.equal(why, "cancelled");
  close();
});

test("chunks that are no bytes are an error at both ends", async () => {
  const { sender, receiver, close } = pair(new ReadableStream({ start: (c) => c.enqueue("text") }));
  assert.match(String(await sender.run()), /no Uint8Array/);
  await assert.rejects(receiver.stream.getReader().read(), /no Uint8Array/);
  close();
});

test("pauses grow, and end", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 7, 8].map(pause), [0, 100, 200, 400, 800, 1600, 3200, null]);
});

test("a plugin is the same when nothing of it has changed", () => {
  const entry = { name: "a", prefix: "/a", kind: "js", mode: "local", digest: "1", entry: "/1", config: { b: 1 }, timeout_ms: 1 };
  assert.ok(same(entry, structuredClone(entry)));
  for (const key of Object.keys(entry)) assert.ok(!same(entry, { ...entry, [key]: "other" }), key);
});

test("the longest prefix at a segment, as in valord", () => {
  const routes = new Map(["/foo", "/foo/bar", "/"].map((prefix) => [prefix, { prefix }]));
  const cases = [
    ["/foo", "/foo", "/"], ["/foo/", "/foo", "/"], ["/foo//x", "/foo", "//x"], ["/foobar", "/", "/foobar"], ["/foo/bar/x", "/foo/bar", "/x"],
    ["/foo/barx", "/foo", "/barx"], ["/", "/", "/"], ["//foo", "/", "//foo"],
  ];
  for (const [path, prefix, rest] of cases) assert.deepEqual(find(routes, path), [{ prefix }, rest], path);
  assert.equal(find(new Map([["/foo", {}]]), "/bar"), null);
});

test("below a prefix of the server nothing is answered here, but what is published deeper", () => {
  const [all, foo, deep] = ["/", "/foo", "/foo/there/deep"].map((prefix) => ({ prefix }));
  const routes = table([all, foo, deep], ["/foo/there", "/else"]);
  const cases = [["/foo", foo], ["/foo/x", foo], ["/foo/there", null], ["/foo/there/", null], ["/foo/there/x", null], ["/foo/therex", foo], ["/foo/there/deep/x", deep], ["/else/x", null], ["/elsewhere", all]];
  for (const [path, entry] of cases) assert.equal(find(routes, path)?.[0] ?? null, entry, path);
});

test("without JSPI the server answers for WASI components, with it they run here", () => {
  const before = Object.getOwnPropertyDescriptor(WebAssembly, "Suspending");
  delete WebAssembly.Suspending;
  assert.match(unsupported({ kind: "wasi" }), /JSPI/);
  WebAssembly.Suspending = class {};
  assert.equal(unsupported({ kind: "wasi" }), null);
  delete WebAssembly.Suspending;
  if (before) Object.defineProperty(WebAssembly, "Suspending", before);
});
