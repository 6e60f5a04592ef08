// What a plugin does wrong is answered in the words of valord, and the others never notice.

import assert from "node:assert/strict";
import { get, test, until } from "./browser.mjs";
import { fixture, plugin } from "./site.mjs";

const kit = (more = {}) => fixture("kit", { timeout_ms: 400, ...more });
const other = () => plugin("other", 'export default { fetch: () => new Response("other") }');

const problem = async (page, path, init) => {
  const { status, headers, text } = await get(page, path, init);
  assert.equal(headers["content-type"], "application/problem+json", `${path}: ${status} ${text}`);
  return { status, headers, ...JSON.parse(text) };
};

test("a deadline is a 504 that names plugin, path and id, and the work is told", { plugins: [kit()] }, async ({ page }) => {
  const found = await problem(page, "/kit/slow?q", { headers: { "x-request-id": "late-1" } });
  const { headers, ...json } = found;
  assert.deepEqual(json, {
    type: "urn:valor:problem:deadline",
    title: "the plugin has not answered in time",
    status: 504,
    detail: "it has not answered within 400ms",
    instance: "/kit/slow",
    plugin: "kit",
    request_id: "late-1",
  });
  assert.deepEqual(
    ["x-correlation-id", "x-valor-plugin", "x-valor-runtime", "cache-control"].map((name) => headers[name]),
    ["late-1", "kit", "browser", "no-store"],
  );
  // It was only slow: its state is still there.
  assert.equal((await get(page, "/kit/count")).text, "1");
});

test("a plugin's own time is what counts, not five seconds", { plugins: [plugin("calm", 'export default { fetch: () => new Promise((done) => setTimeout(() => done(new Response("late")), 5600)) }')] }, async ({ page }) => {
  assert.equal((await get(page, "/calm")).text, "late");
});

test("an endless loop is ended, and the others never notice", { plugins: [kit({ mode: "local" }), other()] }, async ({ page, log }) => {
  assert.equal((await get(page, "/kit/count")).text, "1");
  const [spun, beside, ...others] = await Promise.all([
    problem(page, "/kit/spin"),
    problem(page, "/kit/count"),
    ...Array.from({ length: 20 }, () => get(page, "/other")),
  ]);
  assert.equal(spun.type, "urn:valor:problem:deadline");
  // It waits behind the loop.
  assert.ok([502, 504].includes(beside.status), beside.detail);
  assert.ok(others.every(({ text }) => text === "other"));
  // A new Worker, with nothing of the old one's state.
  await until(async () => (await get(page, "/kit/count")).text === "1", "a new Worker");
  assert.ok(log.some((line) => line.includes("the Worker of plugin kit has ended")));
});

test("what was in flight in a Worker that ends is a 502, and it is started again", { plugins: [kit({ mode: "local", timeout_ms: 10_000 }), other()] }, async ({ page }) => {
  const [slow, closed, fine] = await Promise.all([problem(page, "/kit/slow"), problem(page, "/kit/close"), get(page, "/other")]);
  for (const { status, type, detail } of [slow, closed]) {
    assert.deepEqual([status, type], [502, "urn:valor:problem:plugin-crashed"]);
    assert.match(detail, /the request was not repeated/);
  }
  assert.equal(fine.text, "other");
  await until(async () => (await get(page, "/kit/count")).status === 200, "a new Worker");
});

test("a plugin that keeps ending goes into quarantine", { plugins: [kit({ mode: "local" })] }, async ({ page }) => {
  await until(async () => {
    const { text } = await get(page, "/kit/close");
    return text.includes("urn:valor:problem:quarantined");
  }, "quarantine");
});

test("a handler that throws, or answers with nothing, is a 500, and its stack is told", { plugins: [kit()] }, async ({ page }) => {
  await page.evaluate(() => {
    globalThis.errors = [];
    new BroadcastChannel("valor").onmessage = ({ data }) => data.type === "error" && globalThis.errors.push(data);
  });
  for (const path of ["/kit/throw", "/kit/nothing"]) {
    const { status, type } = await problem(page, path, { headers: { "x-request-id": path } });
    assert.deepEqual([status, type], [500, "urn:valor:problem:plugin-failed"]);
  }
  await until(() => page.evaluate(() => globalThis.errors.length >= 1), "an error");
  const error = await page.evaluate(() => globalThis.errors[0]);
  assert.equal(error.message, "thrown on purpose");
  assert.equal(error.request_id, "/kit/throw");
  assert.match(error.stack, /RangeError: thrown on purpose\n\s+at .*plugins\/[0-9a-f]{64}\.js/);
  assert.equal((await get(page, "/kit/count")).text, "1");
});

test("an answer that breaks off is not taken for a whole one", { plugins: [kit()] }, async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const response = await fetch("/kit/broken");
    return response.text().then((text) => `whole: ${text}`, (error) => error.name);
  });
  assert.equal(seen, "TypeError");
});

test("more requests than a plugin may have are refused at once", { plugins: [kit({ timeout_ms: 3000 })] }, async ({ page }) => {
  const statuses = await page.evaluate(async () => {
    const one = () => fetch("/kit/slow").then((response) => response.status);
    return Promise.all(Array.from({ length: 260 }, one));
  });
  assert.deepEqual([statuses.filter((status) => status === 503).length, statuses.filter((status) => status === 504).length], [4, 256]);
});
