// Pages and service workers come and go; the plugins answer.

import assert from "node:assert/strict";
import { get, stopServiceWorkers, test, until } from "./browser.mjs";
import { fixture, plugin } from "./site.mjs";

const says = (text) => plugin("says", `export default { fetch: () => new Response(${JSON.stringify(text)}) }`);
const runtime = async (page, url) => (await get(page, url)).headers["x-valor-runtime"];
const ready = (page) => page.evaluate(() => valor.ready());

test("first load: the page's first call is answered here", { plugins: [fixture("kit")], cold: true }, async ({ open, site }) => {
  const page = await open();
  assert.deepEqual(page.plugins, [{ name: "kit", prefix: "/kit", kind: "js", mode: "local-with-fallback", state: "ready", reason: undefined }]);
  assert.equal(await runtime(page, "/kit/x"), "browser");
  assert.deepEqual(site.seen, []);
});

test("before anything is ready the server answers", { plugins: [fixture("kit")], cold: true }, async ({ open, site }) => {
  site.pages.set("/", "<!doctype html><title>without</title>");
  const page = await open("/", false);
  assert.equal(await runtime(page, "/kit/x"), "server");
});

test("a static host: the service worker at the root", { plugins: [fixture("kit")], site: { root: true } }, async ({ page }) => {
  assert.equal(await runtime(page, "/kit/x"), "browser");
});

test("reload, also without a cache", { plugins: [fixture("kit")] }, async (t) => {
  await t.page.reload();
  await ready(t.page);
  assert.equal(await runtime(t.page, "/kit/x"), "browser");
  const session = await t.context.newCDPSession(t.page);
  await Promise.all([t.page.waitForEvent("load"), session.send("Page.reload", { ignoreCache: true })]);
  await ready(t.page);
  assert.equal(await runtime(t.page, "/kit/x"), "browser");
});

test("a service worker that is stopped comes back, and the plugins have lost nothing", { plugins: [fixture("kit", { mode: "local" })] }, async (t) => {
  for (let count = 1; count <= 6; count++) {
    assert.equal((await get(t.page, "/kit/count")).text, String(count));
    await stopServiceWorkers(t);
  }
});

test("a service worker that is stopped in mid-stream: the plugin is told, and answers on", { plugins: [fixture("kit")] }, async (t) => {
  await t.page.evaluate(async () => {
    globalThis.reader = (await fetch("/kit/events")).body.getReader();
    await globalThis.reader.read();
  });
  await stopServiceWorkers(t);
  const end = await t.page.evaluate(async () => {
    try {
      while (!(await globalThis.reader.read()).done);
      return "an end";
    } catch (error) {
      return error.name;
    }
  });
  assert.ok(["TypeError", "an end"].includes(end), end);
  await until(async () => (await get(t.page, "/kit/aborted")).text === "1", "the abort");
});

test("several tabs share one Worker, and the next one takes over when its host closes in mid-stream", { plugins: [fixture("kit", { mode: "local" })] }, async (t) => {
  const second = await t.open();
  const third = await t.open();
  assert.equal((await get(t.page, "/kit/count")).text, "1");
  assert.equal((await get(second, "/kit/count")).text, "2");
  assert.equal((await get(third, "/kit/count")).text, "3");
  const streamed = second.evaluate(async () => {
    const reader = (await fetch("/kit/events")).body.getReader();
    await reader.read();
    globalThis.reading = true;
    try {
      while (!(await reader.read()).done);
      return "an end";
    } catch (error) {
      return error.name;
    }
  });
  const waiting = get(third, "/kit/slow");
  await until(() => second.evaluate(() => globalThis.reading === true), "the stream");
  await t.page.close();
  assert.equal(await streamed, "TypeError");
  const { status, text } = await waiting;
  assert.equal(status, 502);
  assert.equal(JSON.parse(text).type, "urn:valor:problem:plugin-crashed");
  await until(async () => (await get(second, "/kit/count")).text === "1", "a new host");
  assert.equal((await get(third, "/kit/count")).text, "2");
});

test("a new version takes over in every tab, and what has not changed runs on", { plugins: [says("one"), fixture("kit"), plugin("gone", 'export default { fetch: () => new Response("gone") }')] }, async (t) => {
  assert.equal((await get(t.page, "/kit/count")).text, "1");
  assert.equal((await get(t.page, "/says")).text, "one");
  t.site.publish([says("two"), await fixture("kit")]);
  const second = await t.open();
  await until(async () => (await get(t.page, "/says")).text === "two", "the new version");
  assert.equal((await get(second, "/says")).text, "two");
  // What has not changed was not started again.
  assert.equal((await get(second, "/kit/count")).text, "2");
  await until(async () => (await get(second, "/gone")).text === "server GET /gone", "the end of what is not published");
});

test("a replaced Worker finishes what it has", { plugins: [plugin("slow", 'export default { fetch: () => new Promise((done) => setTimeout(() => done(new Response("old")), 1500)) }')] }, async (t) => {
  const old = get(t.page, "/slow");
  await until(() => t.page.evaluate(() => true));
  t.site.publish([plugin("slow", 'export default { fetch: () => new Response("new") }')]);
  await t.page.evaluate(() => valor.update());
  await until(async () => (await Promise.race([get(t.page, "/slow"), new Promise((done) => setTimeout(() => done({ text: "late" }), 1000))])).text === "new", "the new version");
  assert.equal((await old).text, "old");
});

test("a new version that does not start leaves the old one", { plugins: [says("one")] }, async (t) => {
  t.site.publish([plugin("says", "syntax error")]);
  await t.page.evaluate(() => valor.update());
  await until(() => t.log.some((line) => line.includes("plugin says could not be started")), "the failure");
  assert.deepEqual([(await get(t.page, "/says")).text, await runtime(t.page, "/says")], ["one", "browser"]);
});

test("without a network after the first load: calls, a stopped service worker, and a reload of a page that is kept", { plugins: [fixture("kit")] }, async (t) => {
  await t.page.evaluate(() => valor.offline());
  await t.site.stop();
  await t.context.setOffline(true);
  assert.equal((await get(t.page, "/kit/count")).text, "1");
  await stopServiceWorkers(t);
  assert.equal((await get(t.page, "/kit/count")).text, "2");
  await t.page.reload();
  await ready(t.page);
  assert.equal((await get(t.page, "/kit/count")).text, "1");
  await t.site.start();
});

test("a plugin's page in a tab comes from the server, and without a network from here", { plugins: [fixture("kit")] }, async (t) => {
  const second = await t.context.newPage();
  await second.goto(`${t.origin}/kit/page`);
  assert.equal(await second.textContent("body"), "server GET /kit/page");
  await t.context.setOffline(true);
  await second.goto(`${t.origin}/kit/page`);
  assert.equal(await second.textContent("body"), "kit /page");
});
