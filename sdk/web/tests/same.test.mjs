// The proof of "the same file": every example and kind, published by the real valord, answers in Chromium what it answers on the server,
// byte for byte; what a browser cannot set or see is listed by name.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, extname } from "node:path";
import { bin, component, examples, foreign, test, wasm } from "./valord.mjs";

const read = (name) => JSON.parse(readFileSync(new URL(`../../corpus/${name}.json`, import.meta.url), "utf8"));
const corpus = read("corpus");

/** Fields of an answer that differ, and why. */
const EXCEPTED = {
  date: "of a connection",
  "content-length": "of a connection",
  connection: "of a connection",
  "transfer-encoding": "of a connection",
  "keep-alive": "of a connection",
  "x-correlation-id": "another one for each request",
  "x-valor-runtime": "it says who has answered",
};

/** What is asked besides, where an example does more than the corpus wants to know. */
const MORE = {
  "hello-js": [{ method: "POST", target: "/x?y", body: "z" }, { method: "HEAD", target: "/" }],
  "with-state-js": [{ target: "/" }, { target: "/?who=%C3%A9%20%F0%9F%98%80" }],
  "hello-wasi": [{ method: "POST", target: "/echo", body: "é😀\0" }, { method: "POST", target: "/echo", body: "x".repeat(100_000) }, { target: "/env" }, { method: "HEAD", target: "/" }],
};

const others = read("others").map(({ file, config, requests }) => {
  const name = basename(file, extname(file)).replace(/^hello$/, "hello-js").replace(/^with-state$/, "with-state-js").replaceAll("_", "-");
  const path = extname(file) === ".wasm" ? component : `${examples}../${file}`;
  return { name, file: path, config, requests: [...requests, ...MORE[name]] };
});

const all = [
  ...corpus.map(({ library, config, requests }) => ({ name: library.replaceAll("_", "-"), file: `${wasm}/${library}.wasm`, native: `${bin}/lib${library}.so`, config, requests })),
  ...others,
  // As others have published it: the server among the examples of `wstd`.
  {
    name: "foreign-wasi",
    file: foreign,
    requests: [{ target: "/" }, { method: "POST", target: "/echo", body: "é".repeat(50_000) }, { target: "/response-status", send: { "x-response-status": "418" } }, { target: "/nowhere" }],
  },
];

for (const { name, file, native, config, requests } of all) {
  test(`${name} answers the same in the browser and on the server`, async (valord) => {
    await valord.publish(name, file, { config, "web-mode": "local" });
    if (native) await valord.ctl("register", native, "--name", "native", "--prefix", "/native", ...(config === undefined ? [] : ["--config", JSON.stringify(config)]));
  }, async ({ page }) => {
    for (const { method = "GET", target, send = {}, body = "" } of requests) {
      const ask = (prefix, more) => page.evaluate(async ([path, method, headers, body]) => {
        // Bytes, since browsers say of a text what type it has.
        const response = await fetch(path, { method, headers, body: body === "" ? undefined : new TextEncoder().encode(body) });
        return { status: response.status, headers: Object.fromEntries(response.headers), bytes: [...new Uint8Array(await response.arrayBuffer())] };
      }, [prefix + target, method, { ...send, ...more }, body]);
      const what = `${method} ${target}`;
      const seen = (answer) => ({ ...answer, headers: Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !(name in EXCEPTED))) });
      const here = await ask(`/${name}`, {});
      const there = await ask(`/${name}`, { "x-valor-server": "1" });
      assert.deepEqual([here.headers["x-valor-runtime"], there.headers["x-valor-runtime"]], ["browser", "server"], what);
      assert.deepEqual(seen(here), seen(there), what);
      if (!native) continue;
      const built = await ask("/native", {});
      assert.deepEqual([built.status, built.bytes], [here.status, here.bytes], `${what}, native`);
    }
  });
}
