// The proof of "the same file": every example and kind, published by the real valord, answers in Chromium what it answers on the server,
// byte for byte; what a browser cannot set or see is listed by name.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { bin, component, examples, test, wasm } from "./valord.mjs";

const corpus = JSON.parse(readFileSync(new URL("../../corpus/corpus.json", import.meta.url), "utf8"));

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

/** What is asked of those that the corpus does not have. */
const OTHERS = [
  { name: "hello-js", file: `${examples}hello-js/hello.js`, requests: [{ target: "/" }, { method: "POST", target: "/x?y", body: "z" }, { method: "HEAD", target: "/" }] },
  { name: "with-state-js", file: `${examples}with-state-js/with-state.js`, config: "Alice", requests: [{ target: "/" }, { target: "/?who=you" }, { target: "/?who=you" }, { target: "/?who=%C3%A9%20%F0%9F%98%80" }] },
  {
    name: "hello-wasi", file: component, config: { a: [1, "é"] },
    requests: [{ target: "/" }, { method: "POST", target: "/echo", body: "é😀\0" }, { method: "POST", target: "/echo", body: "x".repeat(100_000) }, { target: "/env" }, { target: "/none" }, { method: "HEAD", target: "/" }],
  },
];

const all = [
  ...corpus.map(({ library, config, requests }) => ({ name: library.replaceAll("_", "-"), file: `${wasm}/${library}.wasm`, native: `${bin}/lib${library}.so`, config, requests })),
  ...OTHERS,
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
