// A guest that lies: each lie ends its own instance with a clear error, and nothing else.

import assert from "node:assert/strict";
import test from "node:test";

import { instantiate } from "../../valor-wasm.js";

const leb = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...leb(Math.floor(n / 128))]);
const signed = (n) => {
  const out = [];
  for (;;) {
    const byte = n & 127;
    n >>= 7;
    if ((n === 0 && !(byte & 64)) || (n === -1 && byte & 64)) return [...out, byte];
    out.push(byte | 128);
  }
};
const vector = (items) => [...leb(items.length), ...items.flat()];
const name = (text) => vector([...new TextEncoder().encode(text)].map((byte) => [byte]));
const section = (id, bytes) => [id, ...leb(bytes.length), ...bytes];
const body = (code) => [...leb(code.length + 2), 0, ...code, 0x0b];
const i32 = (n) => [0x41, ...signed(n)];
const CREATED = [0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0];

/** A module with one page: `valor_receive` calls what `receive` says, with `data` at address 1024. */
function guest({ version = i32(1), alloc = i32(4096), receive, data = [], imports = ["send", "now", "random"], module = "valor" }) {
  const types = [[0x60, 2, 0x7f, 0x7f, 0], [0x60, 1, 0x7f, 1, 0x7e], [0x60, 0, 1, 0x7f], [0x60, 1, 0x7f, 1, 0x7f]];
  const kinds = { send: 0, now: 1, random: 0 };
  return new Uint8Array([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, vector(types)),
    ...section(2, vector(imports.map((each) => [...name(module), ...name(each), 0, kinds[each] ?? 0]))),
    ...section(3, vector([[2], [3], [0]])),
    ...section(5, vector([[0, 1]])),
    ...section(7, vector([
      [...name("memory"), 2, 0],
      ...["valor_abi_version", "valor_alloc", "valor_receive"].map((each, i) => [...name(each), 0, imports.length + i]),
    ])),
    ...section(10, vector([body(version), body(alloc), body(receive)])),
    ...section(11, vector([[0, ...i32(1024), 0x0b, ...vector(data.map((byte) => [byte]))]])),
  ]);
}

const send = (ptr, len) => [...i32(ptr), ...i32(len), 0x10, 0];
const frame = (kind, flags, id, payload, length = payload.length) =>
  [...u32(length), kind, flags, 0, 0, ...u32(id), ...payload];
const u32 = (n) => [n & 255, (n >>> 8) & 255, (n >>> 16) & 255, n >>> 24];
const FETCH = 0x8000_0000;
const head = [...u32(0), 3, 71, 69, 84, 2, 0, 47, 120, 0, 0];
/** Answers everything with these frames. */
const says = (data) => guest({ receive: send(1024, data.length), data });
const fetch = () => new Promise(() => {});

for (const [what, bytes, message] of [
  ["nothing at all", guest({ receive: send(1024, 3), data: [1, 2, 3] }), /cut off/],
  ["bytes beyond the end", guest({ receive: send(65_530, 12) }), /beyond the end/],
  ["a pointer below zero", guest({ receive: send(-4, 12) }), /beyond the end/],
  ["a length below zero", guest({ receive: send(0, -1) }), /too long/],
  ["more random bytes than allowed", guest({ receive: [...i32(0), ...i32(70_000), 0x10, 2] }), /random/],
  ["random bytes beyond the end", guest({ receive: [...i32(65_000), ...i32(1000), 0x10, 2] }), /beyond the end/],
  ["a clock that is not there", guest({ receive: [...i32(7), 0x10, 1, 0x1a] }), /no clock 7/],
  ["room beyond the end", guest({ alloc: i32(65_535), receive: [] }), /beyond the end/],
  ["no room", guest({ alloc: i32(0), receive: [] }), /no memory/],
  ["a forged length", says(frame(2, 0, 0, [], 0xffff_ffff)), /longer than its batch/],
  ["an unknown kind", says(frame(42, 0, 0, [])), /kind 42/],
  ["a kind of the host's", says(frame(3, 1, 1, head)), /kind 3/],
  ["unknown flags", says(frame(2, 4, 0, [])), /unknown flags/],
  ["an id where there is none", says(frame(2, 0, 1, [])), /an id/],
  ["no id where there is one", says(frame(5, 0, 0, [])), /an id/],
  ["a long window", says(frame(7, 0, 1, [1, 0, 0, 0, 0])), /longer than its kind/],
  ["no window", says(frame(7, 0, 1, u32(0))), /out of bounds/],
  ["a second CREATED", says([...CREATED, ...CREATED]), /second CREATED/],
  ["an early RESPONSE", says(frame(4, 1, 1, [200, 0, 0, 0])), /nobody has asked/],
  ["a level that is none", says(frame(10, 0, 0, [9, 0])), /level/],
  ["a text that is none", says(frame(10, 0, 0, [1, 1, 0xff])), /UTF-8/],
  ["a fetch with a number of the host's", says(frame(8, 1, 1, head)), /number/],
  ["the same fetch twice", says([...frame(8, 1, FETCH, head), ...frame(8, 1, FETCH, head)]), /number/],
  ["a fetch that is cut off", says(frame(8, 1, FETCH, head.slice(0, -1))), /cut off/],
  ["a fetch with fields that are not there", says(frame(8, 1, FETCH, [...head.slice(0, -2), 1, 0])), /cut off/],
  ["a fetch with too many fields", says(frame(8, 1, FETCH, [...head.slice(0, -2), 0, 9])), /too many fields/],
  ["an import that is called too early", guest({ version: [...send(0, 0), ...i32(1)], receive: [] }), /too early/],
  ["a loop without an end in its stack", guest({ receive: [...i32(0), ...i32(0), 0x10, 5] }), /./],
]) {
  test(`a guest with ${what}`, async () => {
    await assert.rejects(instantiate(bytes, { fetch, log: () => {} }), (error) => {
      assert.match(error.message, message);
      assert.ok(["violation", "trap"].includes(error.code), error.code);
      return true;
    });
  });
}

test("bodies beyond their credit, and after their end", async () => {
  // Sends its data again at each call: with the request it has sent more than was granted.
  const part = frame(5, 0, FETCH, Array(50_000).fill(0));
  const bytes = guest({ receive: [...send(1024, 12), ...send(1036, 12 + head.length), ...Array.from({ length: 3 }, () => send(1036 + 12 + head.length, part.length)).flat()], data: [...CREATED, ...frame(8, 0, FETCH, head), ...part] });
  await assert.rejects(instantiate(bytes, { fetch }), { code: "violation", message: /beyond its credit/ });
  await assert.rejects(instantiate(says([...frame(8, 0, FETCH, head), ...frame(5, 1, FETCH, []), ...frame(5, 0, FETCH, [1])]), { fetch }), {
    code: "violation", message: /after its END/,
  });
});

test("kinds of later versions are skipped, and frames of exchanges that are over are ignored", async () => {
  const plugin = await instantiate(says([...frame(200, 7, 9, [1]), ...frame(5, 0, 77, [1]), ...frame(6, 0, 77, [1]), ...CREATED]));
  assert.equal(plugin.dead, null);
  // It answers the request with a second CREATED.
  await assert.rejects(plugin.fetch(new Request("http://localhost/")), { code: "violation" });
});

test("modules that are none of ours are told apart before anything runs", async () => {
  for (const [bytes, message] of [
    [new Uint8Array([1, 2, 3]), /no WebAssembly module/],
    [new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]), /no memory memory/],
    [guest({ receive: [], imports: ["send", "__wbindgen_throw"], module: "__wbindgen_placeholder__" }), /`send` of `__wbindgen_placeholder__`.*wasm-bindgen/],
    [guest({ receive: [], imports: ["send", "open"] }), /`open` of `valor`/],
    [guest({ receive: [], version: i32(2) }), /version 2 .* and this loader 1/],
  ]) {
    await assert.rejects(instantiate(bytes), { code: "abi", message });
  }
});
