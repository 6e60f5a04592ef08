export const tests = {
  "Response has its defaults"(t) {
    const response = new Response();
    t.equal([response.status, response.ok, response.statusText, response.body, response.type, response.url, response.redirected, [...response.headers]], [200, true, "", null, "default", "", false, []]);
  },
  "Response has what it is given"(t) {
    const response = new Response("x", { status: 404, statusText: "Not here", headers: { a: "b" } });
    t.equal([response.status, response.ok, response.statusText, response.headers.get("a"), response.headers.get("content-type")], [404, false, "Not here", "b", "text/plain;charset=UTF-8"]);
  },
  async "Response refuses what it must"(t) {
    for (const status of [0, 101, 199, 600, "x"]) await t.throws("RangeError", () => new Response("", { status }));
    for (const status of [204, 205, 304]) await t.throws("TypeError", () => new Response("", { status }));
    t.equal(new Response(null, { status: 204 }).status, 204);
  },
  async "Response.json"(t) {
    const response = Response.json({ a: [1, "ü"] }, { status: 201 });
    t.equal([response.status, response.headers.get("content-type"), await response.text()], [201, "application/json", '{"a":[1,"ü"]}']);
    t.equal(Response.json(1, { headers: { "content-type": "x/y" } }).headers.get("content-type"), "x/y");
    await t.throws("TypeError", () => Response.json(undefined));
    await t.throws("TypeError", () => Response.json(1n));
  },
  async "Response.redirect"(t) {
    const response = Response.redirect("http://h/a b", 307);
    t.equal([response.status, response.headers.get("location"), response.body], [307, "http://h/a%20b", null]);
    t.equal(Response.redirect("http://h/").status, 302);
    await t.throws("RangeError", () => Response.redirect("http://h/", 200));
    await t.throws("TypeError", () => response.headers.set("x", "y"));
  },
  async "Response.error"(t) {
    const response = Response.error();
    t.equal([response.type, response.status, response.body], ["error", 0, null]);
    await t.throws("TypeError", () => response.headers.set("x", "y"));
  },
  async "clones are read apart, of streams too"(t) {
    const stream = new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode("twice")); c.close(); } });
    for (const response of [new Response("twice"), new Response(stream)]) {
      const copy = response.clone();
      t.equal([await response.text(), await copy.text()], ["twice", "twice"]);
      await t.throws("TypeError", () => response.clone());
    }
  },
};
