// The corpus, against the modules that Cargo builds. `RECORD=1` prints what was answered where the corpus says nothing.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { instantiate } from "../../valor-wasm.js";
import { wasm } from "./built.mjs";

const corpus = JSON.parse(readFileSync(new URL("../../../corpus/corpus.json", import.meta.url), "utf8"));

for (const { library, config, requests } of corpus) {
  test(`the corpus of ${library}`, async () => {
    const plugin = await instantiate(wasm(library), { config });
    for (const { method = "GET", target, send = {}, body = "", status, headers, answer } of requests) {
      const head = { method, target, headers: [["host", "localhost"], ...Object.entries(send)], body: new TextEncoder().encode(body) };
      const got = await plugin.request(head);
      const text = await new Response(got.body).text();
      const what = `${method} ${target}`;
      if (process.env.RECORD) console.log(what, got, JSON.stringify(text));
      assert.equal(got.status, status ?? 200, what);
      assert.equal(text, answer, what);
      for (const [name, value] of Object.entries(headers ?? {})) {
        assert.equal(got.headers.filter(([each]) => each === name).map(([, each]) => each).join(", "), value, `${what}: ${name}`);
      }
    }
  });
}
