export const tests = {
  "Request has its defaults"(t) {
    const request = new Request("http://h/a b#f");
    t.equal([request.method, request.url, request.redirect, request.body, request.bodyUsed, [...request.headers]], ["GET", "http://h/a%20b#f", "follow", null, false, []]);
    t.equal([request.signal.aborted, request.signal instanceof AbortSignal], [false, true]);
  },
  "Request takes another and changes it"(t) {
    const first = new Request("http://h/", { method: "post", body: "x", headers: { a: "1" } });
    const second = new Request(first, { method: "PUT", headers: { b: "2" } });
    t.equal([first.method, first.bodyUsed, second.method, second.url, second.headers.get("a"), second.headers.get("b")], ["POST", true, "PUT", "http://h/", null, "2"]);
  },
  async "a body moves with a Request"(t) {
    const first = new Request("http://h/", { method: "POST", body: "moved" });
    t.equal(await new Request(first).text(), "moved");
    await t.throws("TypeError", () => first.text());
    await t.throws("TypeError", () => new Request(first));
  },
  async "Request refuses what it must"(t) {
    for (const [url, init] of [["x y", {}], ["http://u:p@h/", {}], ["http://h/", { method: "a b" }], ["http://h/", { method: "TRACE" }],
      ["http://h/", { body: "x" }], ["http://h/", { method: "HEAD", body: "x" }], ["http://h/", { redirect: "x" }], ["http://h/", { signal: {} }]]) {
      await t.throws("TypeError", () => new Request(url, init));
    }
  },
  async "clones are read apart"(t) {
    const request = new Request("http://h/", { method: "POST", body: "twice", headers: { a: "1" } });
    const copy = request.clone();
    copy.headers.set("a", "2");
    t.equal([await request.text(), await copy.text(), request.headers.get("a")], ["twice", "twice", "1"]);
    await t.throws("TypeError", () => request.clone());
  },
  "a signal is followed"(t) {
    const controller = new AbortController();
    const request = new Request("http://h/", { signal: controller.signal });
    const copy = request.clone();
    controller.abort("why");
    t.equal([request.signal.aborted, request.signal.reason, copy.signal.aborted], [true, "why", true]);
  },
  "methods in small letters are normalised, where the standard says so"(t) {
    t.equal(["get", "Delete", "patch", "chicken"].map((method) => new Request("http://h/", { method }).method), ["GET", "DELETE", "patch", "chicken"]);
  },
};
