// Which requests are answered here, and how they look.

import assert from "node:assert/strict";
import { get, test } from "./browser.mjs";
import { fixture, plugin } from "./site.mjs";

const says = (name, text, more) => plugin(name, `export default { fetch: (request) => new Response("${text} " + new URL(request.url).pathname + new URL(request.url).search) }`, more);

test("prefixes are matched at segments, the longest first, and the rest goes to the server", {
  plugins: [says("foo", "foo"), says("deep", "deep", { prefix: "/foo/deep" })],
}, async ({ page, site }) => {
  const text = async (path) => (await get(page, path)).text;
  assert.equal(await text("/foo"), "foo /");
  assert.equal(await text("/foo/"), "foo /");
  assert.equal(await text("/foo/a%20b?q=1"), "foo /a%20b?q=1");
  assert.equal(await text("/foo/deep/x"), "deep /x");
  assert.equal(await text("/foo/deeper"), "foo /deeper");
  assert.deepEqual(site.seen, []);
  assert.equal(await text("/foobar"), "server GET /foobar");
  assert.equal(await text("/"), await text("/"));
  assert.equal(await text("/_health"), "server GET /_health");
  assert.deepEqual(site.seen, ["GET /foobar", "GET /_health"]);
});

test("a plugin at the root takes what no other one takes", { plugins: [says("all", "all", { prefix: "/" }), says("foo", "foo")] }, async ({ page, site }) => {
  assert.equal((await get(page, "/foo/1")).text, "foo /1");
  assert.equal((await get(page, "/fo")).text, "all /fo");
  assert.equal((await get(page, "/_health")).text, "server GET /_health");
  assert.deepEqual(site.seen, ["GET /_health"]);
});

test("ids go in and come out, and who answered is named", { plugins: [fixture("kit")] }, async ({ page }) => {
  const theirs = await get(page, "/kit/id", { headers: { "x-request-id": "mine-1" } });
  assert.equal(theirs.text, "mine-1");
  assert.equal(theirs.headers["x-correlation-id"], "mine-1");
  assert.equal(theirs.headers["x-valor-plugin"], "kit");
  assert.equal(theirs.headers["x-valor-runtime"], "browser");
  const made = await get(page, "/kit/id");
  assert.match(made.text, /^[0-9a-f]{32}$/);
  assert.equal(made.headers["x-correlation-id"], made.text);
  assert.notEqual((await get(page, "/kit/id")).text, made.text);
  const unusable = await get(page, "/kit/id", { headers: { "x-request-id": "a b" } });
  assert.match(unusable.text, /^[0-9a-f]{32}$/);
});

test("a plugin sees the path below its prefix, and where it is", { plugins: [fixture("kit", { prefix: "/a/b" })] }, async ({ page, origin }) => {
  const seen = JSON.parse((await get(page, "/a/b/echo?x=1", { method: "PUT", body: "text", headers: { "x-many": "1", "x-valor-plugin": "forged", "x-forwarded-prefix": "/forged" } })).text);
  const fields = Object.fromEntries(seen.headers);
  assert.equal(seen.method, "PUT");
  assert.equal(seen.url, `${origin}/echo?x=1`);
  assert.equal(seen.body, "text");
  assert.equal(fields.host, new URL(origin).host);
  assert.equal(fields["x-forwarded-prefix"], "/a/b");
  assert.equal(fields["x-forwarded-proto"], "http");
  assert.equal(fields["x-valor-plugin"], undefined);
  assert.equal(fields["content-type"], "text/plain;charset=UTF-8");
});

test("repeated headers are all there", { plugins: [fixture("kit")] }, async ({ page }) => {
  const { headers } = await get(page, "/kit/repeat");
  assert.equal(headers["x-many"], "one, two");
  assert.equal(headers.link, "</a>, </b>");
  const seen = await page.evaluate(async () => {
    const headers = new Headers([["x-twice", "a"], ["x-twice", "b"]]);
    return (await (await fetch("/kit/echo", { headers })).json()).headers;
  });
  assert.equal(Object.fromEntries(seen)["x-twice"], "a, b");
});

test("statuses without a body, HEAD and redirects", { plugins: [fixture("kit")] }, async ({ page }) => {
  for (const code of [204, 205, 404, 500]) assert.equal((await get(page, `/kit/status?code=${code}`)).status, code);
  const head = await get(page, "/kit/x", { method: "HEAD" });
  assert.deepEqual([head.status, head.text], [200, ""]);
});

test("a path that can be read in two ways is refused as on the server", { plugins: [fixture("kit")] }, async ({ page, site }) => {
  for (const [path, detail] of [
    ["/kit/a%2fb", "the path has an encoded slash"],
    ["/kit/a%5Cb", "the path has an encoded backslash"],
    ["/kit/a%00b", "the path has an encoded NUL"],
    ["/kit/a%zz", "the path has a percent sign that encodes nothing"],
  ]) {
    const { status, text, headers } = await get(page, path);
    assert.equal(status, 400);
    assert.equal(headers["content-type"], "application/problem+json");
    assert.deepEqual([JSON.parse(text).type, JSON.parse(text).detail], ["urn:valor:problem:bad-request", detail]);
  }
  assert.deepEqual(site.seen, []);
});

test("the three shapes, their configuration and their environment", {
  plugins: [
    plugin("module", "export default { fetch: (request, env) => Response.json(env) }", { config: { a: 1 } }),
    plugin("handler", "export function handler(request, env) { return Response.json(env) }", { config: "Alice" }),
    plugin("listener", 'addEventListener("fetch", (event) => event.respondWith(Response.json(event.env)))'),
  ],
}, async ({ page }) => {
  assert.equal((await get(page, "/module")).text, '{"a":1}');
  assert.equal((await get(page, "/handler")).text, '{"config":"Alice"}');
  assert.equal((await get(page, "/listener")).text, "{}");
});

test("a plugin asks another one by its path", { plugins: [fixture("kit"), says("foo", "foo")] }, async ({ page, site }) => {
  const { text, headers } = await get(page, "/kit/other?of=/foo/x");
  assert.equal(text, "foo /x");
  assert.equal(headers["x-valor-plugin"], "kit");
  assert.deepEqual(site.seen, []);
});

test("the modes: never here, never the server, whichever", {
  plugins: [says("far", "far", { mode: "server" }), says("near", "near", { mode: "local" }), says("either", "either"), plugin("bad-near", "syntax error", { mode: "local" }), plugin("bad-either", "syntax error"), says("odd", "odd", { kind: "cobol" })],
}, async ({ page, site }) => {
  assert.equal((await get(page, "/far/1")).text, "server GET /far/1");
  assert.equal((await get(page, "/near/1")).text, "near /1");
  assert.equal((await get(page, "/either/1")).text, "either /1");
  assert.equal((await get(page, "/bad-either/1")).text, "server GET /bad-either/1");
  assert.equal((await get(page, "/odd/1")).text, "server GET /odd/1");
  const { status, text } = await get(page, "/bad-near/1");
  const problem = JSON.parse(text);
  assert.equal(status, 502);
  assert.equal(problem.type, "urn:valor:problem:start-failed");
  assert.match(problem.detail, /SyntaxError/);
  assert.deepEqual(site.seen, ["GET /far/1", "GET /bad-either/1", "GET /odd/1"]);
  const states = Object.fromEntries(page.plugins.map(({ name, state }) => [name, state]));
  assert.deepEqual(states, { far: "ready", near: "ready", either: "ready", "bad-near": "failed", "bad-either": "failed", odd: "unsupported" });
});
