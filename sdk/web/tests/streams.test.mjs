// Bodies both ways: in parts as they come, of any size, and nothing goes on when nobody reads.

import assert from "node:assert/strict";
import { get, test, until } from "./browser.mjs";
import { fixture } from "./site.mjs";

test("server-sent events come one by one, for longer than a request may take, and end when the page stops reading", { plugins: [fixture("kit", { timeout_ms: 300 })] }, async ({ page }) => {
  const seen = await page.evaluate(() => new Promise((resolve, reject) => {
    const source = new EventSource("/kit/events");
    const numbers = [];
    source.onerror = reject;
    source.onmessage = ({ data }) => {
      numbers.push(Number(data));
      // At one each 20 ms, well past the deadline to the head.
      if (numbers.length === 40) {
        source.close();
        resolve(numbers);
      }
    };
  }));
  assert.deepEqual(seen, Array.from({ length: 40 }, (_, number) => number));
  await until(async () => (await get(page, "/kit/aborted")).text === "1", "the abort");
});

test("a request that the page aborts is aborted in the plugin", { plugins: [fixture("kit")] }, async ({ page }) => {
  const name = await page.evaluate(async () => {
    const controller = new AbortController();
    const response = await fetch("/kit/events", { signal: controller.signal });
    const reader = response.body.getReader();
    await reader.read();
    controller.abort();
    return reader.read().then(() => "goes on", (error) => error.name);
  });
  assert.equal(name, "AbortError");
  await until(async () => (await get(page, "/kit/aborted")).text === "1", "the abort");
});

test("a body is answered while it is still being sent", { plugins: [fixture("kit")] }, async ({ page }) => {
  const seen = await page.evaluate(async () => {
    let controller;
    const body = new ReadableStream({ start: (c) => (controller = c) });
    const text = new TextEncoder();
    const answer = fetch("/kit/mirror", { method: "POST", body, duplex: "half" });
    controller.enqueue(text.encode("one"));
    const reader = (await answer).body.getReader();
    const read = async () => new TextDecoder().decode((await reader.read()).value);
    const parts = [await read()];
    controller.enqueue(text.encode("two"));
    parts.push(await read());
    controller.close();
    return [...parts, (await reader.read()).done];
  });
  assert.deepEqual(seen, ["one", "two", true]);
});

test("64 MiB up, down, and both", { plugins: [fixture("kit")] }, async ({ page }) => {
  const size = 64 << 20;
  const down = await page.evaluate(async (size) => {
    const reader = (await fetch(`/kit/large?size=${size}`)).body.getReader();
    let got = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (part.value[0] !== 7 || part.value.at(-1) !== 7) throw new Error("other bytes");
      got += part.value.byteLength;
    }
    return got;
  }, size);
  assert.equal(down, size);
  const [up, same] = await page.evaluate(async (size) => {
    const body = new Uint8Array(size);
    for (let at = 0; at < size; at += 4096) body[at] = at >> 12;
    const up = await (await fetch("/kit/size", { method: "POST", body })).json();
    const hash = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toString();
    const back = await (await fetch("/kit/mirror", { method: "POST", body })).arrayBuffer();
    return [up.size, (await hash(body)) === (await hash(back))];
  }, size);
  assert.deepEqual([up, same], [size, true]);
});

test("the plugin's own chunks stay its own", { plugins: [fixture("kit")] }, async ({ page }) => {
  assert.equal((await get(page, "/kit/large?size=200000")).text.length, 262144);
  assert.equal((await get(page, "/kit/large?size=200000")).text.length, 262144);
});
