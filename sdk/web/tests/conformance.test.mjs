// The conformance suite of JavaScript, in a plugin in Chromium, but for what its table says.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { get, test } from "./browser.mjs";
import { plugin } from "./site.mjs";

const folder = new URL("../conformance/", import.meta.url);
const read = (name) => readFile(new URL(name, folder), "utf8");
const names = (await readdir(folder)).filter((name) => name.endsWith(".js") && name !== "runner.js");
const runner = (await read("runner.js")).replaceAll("export ", "");

/** Rows `| chromium | test | why |`. */
const differences = new Set(
  (await read("DIFFERENCES.md")).split("\n").map((line) => line.split("|").map((cell) => cell.trim())).filter((cells) => cells[1] === "chromium").map((cells) => cells[2]),
);

const plugins = await Promise.all(
  names.map(async (name) => plugin(name.slice(0, -3), `${runner}\n${await read(name)}\nexport default { fetch: async () => Response.json(await run(tests, location.origin)) };`)),
);

/** The server of the suite, as `runner.js` describes it. */
function serve(request, response) {
  const { pathname } = new URL(request.url, "http://localhost");
  if (pathname === "/echo") {
    const type = request.headers["content-type"];
    response.writeHead(200, { "x-method": request.method, ...(type ? { "content-type": type } : {}) });
    return request.pipe(response);
  }
  if (pathname === "/stream") {
    for (const part of ["a", "b"]) response.write(part);
    return response.end("c");
  }
  if (pathname === "/redirect") return response.writeHead(302, { location: "/status/200" }).end();
  if (pathname === "/never") return;
  const status = Number(pathname.match(/^\/status\/(\d+)$/)?.[1] ?? 404);
  return response.writeHead(status).end();
}

test("the suite passes, but for what the table says", { plugins }, async ({ page, site }) => {
  site.behind = serve;
  const failed = new Map();
  let ran = 0;
  for (const { entry } of plugins) {
    const { status, text } = await get(page, entry.prefix);
    assert.equal(status, 200, `${entry.name}: ${text}`);
    const results = JSON.parse(text);
    assert.ok(Object.keys(results).length > 0, `${entry.name} has no tests`);
    for (const [name, why] of Object.entries(results)) {
      ran += 1;
      if (why !== null) failed.set(name, why);
    }
  }
  assert.ok(names.length >= 17 && ran > 100, `only ${ran} tests of ${names.length} modules were found`);
  assert.deepEqual([...failed].filter(([name]) => !differences.has(name)), []);
  assert.deepEqual([...differences].filter((name) => !failed.has(name)), [], "the table says that these fail");
});
