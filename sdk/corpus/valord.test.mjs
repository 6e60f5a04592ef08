// The corpus through valord, with the native builds of the same examples.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import test from "node:test";
import { fileURLToPath } from "node:url";

const bin = process.env.VALOR_BIN ?? fileURLToPath(new URL("../../target/release", import.meta.url));
const corpus = JSON.parse(readFileSync(new URL("corpus.json", import.meta.url), "utf8"));
const dir = mkdtempSync(`${tmpdir()}/valor-corpus-`);
const listen = "127.0.0.1:18997";

const ask = (path, { method = "GET", send = {}, body = "" }) => new Promise((resolve, reject) => {
  const request = http.request(`http://${listen}${path}`, { method, headers: send }, (answer) => {
    const parts = [];
    answer.on("data", (part) => parts.push(part));
    answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(parts).toString() }));
  });
  request.on("error", reject);
  request.end(body);
});

test("native plugins answer as the corpus says", async () => {
  const plugins = corpus.map(({ library, config }) => ({ type: "native", name: library, path: `${bin}/lib${library}.so`, config }));
  writeFileSync(`${dir}/plugins.json`, JSON.stringify({ plugins }));
  const args = ["--listen", listen, "--control", `${dir}/control.sock`, "--state-dir", `${dir}/state`, "--plugins", `${dir}/plugins.json`];
  const valord = spawn(`${bin}/valord`, args, { stdio: "inherit" });
  const gone = new Promise((resolve) => valord.on("exit", resolve));
  try {
    // HTTP is served when the plugins are there.
    for (let tries = 0; ; tries++) {
      if (await ask("/_health", {}).catch(() => null)) break;
      assert.ok(tries < 300 && valord.exitCode === null, "valord does not listen");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    for (const { library, requests } of corpus) {
      for (const request of requests) {
        const got = await ask(`/${library}${request.target}`, request);
        const what = `${library}: ${request.method ?? "GET"} ${request.target}`;
        assert.deepEqual([got.status, got.text], [request.status ?? 200, request.answer], what);
        for (const [name, value] of Object.entries(request.headers ?? {})) assert.equal(got.headers[name], value, `${what}: ${name}`);
      }
    }
  } finally {
    valord.kill("SIGTERM");
    await gone;
  }
});
