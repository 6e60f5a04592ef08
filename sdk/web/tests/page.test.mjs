// The developers' page. With SCREENSHOTS=DIR it is also painted, to be looked at.

import assert from "node:assert/strict";
import { test, until } from "./browser.mjs";
import { fixture, plugin } from "./site.mjs";

/** In every look that it has. */
async function shot(page, name) {
  if (!process.env.SCREENSHOTS) return;
  for (const colorScheme of ["light", "dark"]) {
    for (const [size, viewport] of [["wide", { width: 1280, height: 800 }], ["narrow", { width: 390, height: 844 }]]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(viewport);
      await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}-${colorScheme}-${size}.png`, fullPage: true });
    }
  }
}

test("the page lists the plugins, and calls each here and on the server", {
  plugins: [fixture("kit"), plugin("alice", 'export default { fetch: (request, env) => new Response(`${env.config} says hello`) }', { config: "Alice" }), plugin("broken", "syntax error"), plugin("remote", "", { mode: "server" })],
  cold: true,
}, async (t) => {
  const page = await t.open("/_valor/", false);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.waitForSelector("#plugins li");
  const names = await page.$$eval("#plugins b", (all) => all.map((one) => one.textContent));
  assert.deepEqual(names, ["kit", "alice", "broken", "remote"]);
  const states = await page.$$eval("#plugins .state", (all) => all.map((one) => one.textContent));
  assert.deepEqual(states, ["ready", "ready", "failed", "server"]);
  assert.match(await page.textContent("#plugins .reason"), /SyntaxError/);
  await shot(page, "list");

  await page.click("#plugins li:nth-child(2) button");
  t.site.behind = (_, response) => response.writeHead(200, { "x-valor-runtime": "server", "content-type": "text/plain;charset=UTF-8" }).end("Alice says hello");
  await page.click("#form > button");
  await page.waitForSelector("#verdict.same");
  assert.equal(await page.textContent("#browser pre"), "Alice says hello");
  assert.match(await page.textContent("#browser table"), /x-valor-runtime\s*browser/);
  assert.match(await page.textContent("#server table"), /x-valor-runtime\s*server/);
  assert.match(await page.textContent("#browser .time"), /^\d+\.\d ms$/);
  await shot(page, "same");

  await page.click("#plugins li:nth-child(1) button");
  await page.fill("input[name=path]", "/kit/throw");
  await page.click("#form > button");
  await page.waitForSelector("#verdict.differs");
  await until(async () => /RangeError: thrown on purpose\s+at /.test(await page.textContent("#errors")), "the stack");
  assert.match(await page.textContent("#browser pre"), /plugin-failed/);
  // On a telephone nothing is cut off.
  await page.setViewportSize({ width: 390, height: 844 });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  await shot(page, "error");
  assert.deepEqual(t.log.filter((line) => line.includes("Content Security Policy")), []);
});
