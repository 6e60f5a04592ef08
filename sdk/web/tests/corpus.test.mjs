// The corpus of "the same file", in Chromium: the same modules, the same requests, the same bytes as in valord and under node.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "./browser.mjs";
import { plugin } from "./site.mjs";

const folder = process.env.VALOR_WASM ?? new URL("../../../target/wasm32-unknown-unknown/release/", import.meta.url).pathname;
const corpus = JSON.parse(readFileSync(new URL("../../corpus/corpus.json", import.meta.url), "utf8"));
assert.ok(corpus.length >= 4);

for (const { library, config = null, requests } of corpus) {
  const source = readFileSync(`${folder}/${library}.wasm`);
  test(`the corpus of ${library}`, { plugins: [plugin("it", source, { kind: "wasm", mode: "local", config })] }, async ({ page }) => {
    for (const { method = "GET", target, send = {}, body = "", status = 200, headers = {}, answer } of requests) {
      const got = await page.evaluate(async ([path, method, send, body]) => {
        // Bytes, since browsers say of a text what type it has.
        const bytes = body === "" ? undefined : new TextEncoder().encode(body);
        const response = await fetch(path, { method, headers: send, body: bytes });
        return { status: response.status, headers: Object.fromEntries(response.headers), text: await response.text() };
      }, [`/it${target}`, method, send, body]);
      const what = `${method} ${target}`;
      assert.equal(got.headers["x-valor-runtime"], "browser", what);
      assert.deepEqual([got.status, got.text], [status, answer], what);
      for (const [name, value] of Object.entries(headers)) assert.equal(got.headers[name], value, `${what}: ${name}`);
    }
  });
}
