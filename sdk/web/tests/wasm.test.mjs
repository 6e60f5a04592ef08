// Rust plugins as WebAssembly modules: the examples, as they run on the server.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { get, test } from "./browser.mjs";
import { plugin } from "./site.mjs";

const folder = process.env.VALOR_WASM ?? new URL("../../../target/wasm32-unknown-unknown/release/", import.meta.url).pathname;
if (!existsSync(`${folder}/hello_plugin.wasm`)) {
  throw new Error(`${folder}/hello_plugin.wasm is missing: cargo build --release --target wasm32-unknown-unknown -p hello -p with-state`);
}

const module = async (name, file, more) => plugin(name, await readFile(`${folder}/${file}.wasm`), { kind: "wasm", mode: "local", ...more });

test("hello, in the browser", { plugins: [module("hello", "hello_plugin")] }, async ({ page }) => {
  const { status, text, headers } = await get(page, "/hello");
  assert.deepEqual([status, text], [200, "OK response from a plugin"]);
  assert.equal(headers["x-valor-runtime"], "browser");
  assert.equal(headers["x-valor-plugin"], "hello");
});

test("with-state takes its configuration, and refuses as on the server", {
  plugins: [module("alice", "with_state_plugin", { config: "Alice" }), module("bob", "with_state_plugin", { config: "Bob" })],
}, async ({ page }) => {
  assert.equal((await get(page, "/alice?who=you")).text, "Alice says hello you!");
  assert.equal((await get(page, "/bob?who=you")).text, "Bob says hello you!");
  const { status, text } = await get(page, "/bob");
  assert.deepEqual([status, JSON.parse(text).detail], [400, "Missing buddy to greet"]);
});

test("a configuration that a module refuses is told", { plugins: [module("alice", "with_state_plugin", { config: 7 })] }, async ({ page }) => {
  assert.equal(page.plugins[0].state, "failed");
  assert.match(page.plugins[0].reason, /.+/);
  const { status, text } = await get(page, "/alice?who=you");
  assert.deepEqual([status, JSON.parse(text).type], [502, "urn:valor:problem:start-failed"]);
});
