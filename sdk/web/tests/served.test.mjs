// What valord serves is what stands in the repository: the same trees of syntax, without comments and spaces; and it is small.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { get as request } from "node:http";
import { gunzipSync } from "node:zlib";
import { parse } from "acorn";
import { test } from "./valord.mjs";

/** Bytes that a page with JavaScript plugins loads, compressed, file by file. */
const MOST = 15_000;

const LAZY = /^(engine-wasm|engine-wasi|valor-wasm|vendor\/)/;

/** A tree without the places of its nodes; how a string or a number was written does not matter. */
const tree = (code) => JSON.stringify(parse(code, { ecmaVersion: "latest", sourceType: "module" }), (key, value) => (["start", "end", "raw"].includes(key) ? undefined : typeof value === "bigint" ? String(value) : value));

const raw = (url) => new Promise((resolve, reject) => {
  request(url, { headers: { "accept-encoding": "gzip" } }, (answer) => {
    const parts = [];
    answer.on("data", (part) => parts.push(part));
    answer.on("end", () => resolve({ status: answer.statusCode, gzip: answer.headers["content-encoding"] === "gzip", bytes: Buffer.concat(parts) }));
  }).on("error", reject);
});

test("the runtime that is served is the one of the repository, and small", (valord) => valord.publishText("it", "export default { fetch: () => new Response() }"), async ({ site: valord }) => {
  const { files } = JSON.parse(await valord.ctl("-o", "json", "web", "bundle", "-o", valord.path("bundle")));
  let [size, compared] = [0, 0];
  for (const path of files.filter((path) => path.startsWith("_valor/") && path.endsWith(".js") && !path.startsWith("_valor/plugins/"))) {
    const { status, gzip, bytes } = await raw(`${valord.origin}/${path}`);
    assert.equal(status, 200, path);
    const name = path.slice("_valor/".length);
    const source = readFileSync(new URL(name.startsWith("page/") ? `../${name}` : `../runtime/${name}`, import.meta.url), "utf8");
    assert.equal(tree((gzip ? gunzipSync(bytes) : bytes).toString()), tree(source), name);
    compared += 1;
    if (!name.startsWith("page/") && !LAZY.test(name)) size += bytes.length;
  }
  assert.ok(compared > 25, `only ${compared} files`);
  console.log(`the runtime for JavaScript plugins: ${size} bytes gzip`);
  assert.ok(size < MOST, `the runtime has ${size} bytes, more than ${MOST}`);
  assert.equal((await fetch(`${valord.origin}/_valor/vendor/preview2-shim/LICENSE`)).headers.get("content-type"), "text/plain; charset=utf-8");
}, { cold: true });
