// What README.md says about time and size: `node measure.mjs`.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { launch } from "./browser.mjs";
import { PAGE, plugin, Site } from "./site.mjs";

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const rounds = 15;

const runtime = new URL("../runtime/", import.meta.url);
const files = (await readdir(runtime)).filter((name) => name.endsWith(".js"));
let size = 0;
for (const name of files) {
  const bytes = gzipSync(await readFile(new URL(name, runtime)), { level: 9 }).byteLength;
  if (!["engine-wasi.js", "engine-wasm.js", "valor-wasm.js"].includes(name)) size += bytes;
  console.log(`${name.padEnd(20)} ${bytes} bytes gzip`);
}
console.log(`for JavaScript plugins: ${size} bytes gzip, file by file`);

const shim = process.env.VALOR_BIN ?? new URL("../../../target/release", import.meta.url).pathname;
const component = process.env.VALOR_COMPONENT ?? `${shim}/hello_wasi.wasm`;
if (existsSync(component)) {
  const input = await readFile(component);
  const begun = performance.now();
  const made = execFileSync(`${shim}/valor-shim-wasm`, ["transpile"], { input, maxBuffer: 1 << 28 });
  console.log(`hello-wasi: ${input.byteLength} bytes, transpiled in ${(performance.now() - begun).toFixed(0)} ms, its process included`);
  // `valor_wire::files`: of each its name and its content, after their lengths.
  for (let at = "valor files 1\n".length; at < made.length; ) {
    const end = at + 1 + made[at];
    const [name, size] = [made.toString("utf8", at + 1, end), made.readUInt32LE(end)];
    const content = made.subarray(end + 4, end + 4 + size);
    console.log(`  ${name.padEnd(20)} ${size} bytes, ${gzipSync(content, { level: 9 }).byteLength} gzip`);
    at = end + 4 + size;
  }
}

const site = await new Site([plugin("hello", 'export default { fetch: () => new Response("OK response from a plugin") }')]).start();
site.pages.set("/bare/", PAGE.replace(/<script.*script>/, ""));
site.pages.set("/bare/sw.js", 'addEventListener("install", () => skipWaiting()); addEventListener("activate", (e) => e.waitUntil(clients.claim())); addEventListener("fetch", (e) => e.request.url.endsWith("/x") && e.respondWith(new Response("OK response from a plugin")));');
const browser = await launch();

const first = [];
const again = [];
for (let round = 0; round < rounds; round++) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const ready = async () => page.evaluate(() => import("/_valor/valor.js").then(({ ready }) => ready()).then(() => performance.now()));
  await page.goto(site.origin);
  first.push(await ready());
  await page.reload();
  again.push(await ready());
  await context.close();
}
console.log(`navigation to ready(): first load ${median(first).toFixed(0)} ms, reload ${median(again).toFixed(0)} ms (medians of ${rounds})`);

const context = await browser.newContext();
const ours = await context.newPage();
await ours.goto(site.origin);
await ours.evaluate(() => import("/_valor/valor.js").then(({ ready }) => ready()));
const other = await browser.newContext();
const bare = await other.newPage();
await bare.goto(`${site.origin}/bare/`);
await bare.evaluate(async () => {
  const changed = new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
  await navigator.serviceWorker.register("/bare/sw.js");
  if (!navigator.serviceWorker.controller) await changed;
});
const time = (page, url) => page.evaluate(async (url) => {
  const times = [];
  for (let call = 0; call < 300; call++) {
    const begun = performance.now();
    await (await fetch(url)).text();
    times.push(performance.now() - begun);
  }
  return times;
}, url);
const [a, b] = [[], []];
for (let round = 0; round < 5; round++) {
  a.push(...(await time(ours, "/hello")));
  b.push(...(await time(bare, "/bare/x")));
}
console.log(`a call: ${median(a).toFixed(2)} ms here, ${median(b).toFixed(2)} ms of a bare service worker, ${(median(a) - median(b)).toFixed(2)} ms added (medians of ${a.length}, interleaved)`);
await browser.close();
await site.stop();
