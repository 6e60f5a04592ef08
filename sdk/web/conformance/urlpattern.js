export const tests = {
  "URLPattern matches paths and names groups"(t) {
    const pattern = new URLPattern({ pathname: "/books/:id(\\d+)/:rest*" });
    t.equal([pattern.test("http://h/books/12/a/b"), pattern.test("http://h/books/x"), pattern.test({ pathname: "/books/1" })], [true, false, true]);
    const found = pattern.exec("http://h:81/books/12/a/b?q#f");
    t.equal({ ...found.pathname.groups }, { id: "12", rest: "a/b" });
    t.equal([found.hostname.input, found.port.input, found.search.input, found.inputs[0]], ["h", "81", "q", "http://h:81/books/12/a/b?q#f"]);
    t.equal([pattern.pathname, pattern.hasRegExpGroups], ["/books/:id(\\d+)/:rest*", true]);
  },
  "URLPattern takes strings with a base"(t) {
    const pattern = new URLPattern("/a/*", "https://example.org");
    t.equal([pattern.test("https://example.org/a/x"), pattern.test("http://example.org/a/x"), pattern.test("a/x", "https://example.org")], [true, false, true]);
    t.equal([pattern.protocol, pattern.hostname, pattern.hasRegExpGroups], ["https", "example.org", false]);
    t.equal(pattern.exec("https://example.org/a/x/y").pathname.groups[0], "x/y");
  },
  "URLPattern knows optional groups and hosts"(t) {
    const pattern = new URLPattern({ hostname: "{*.}?example.org", pathname: "/x{.:ext}?" });
    t.equal([pattern.test("http://example.org/x"), pattern.test("http://a.example.org/x.js"), pattern.test("http://example.com/x")], [true, true, false]);
    t.equal(pattern.exec("http://example.org/x").pathname.groups.ext, undefined);
  },
  "URLPattern can ignore case"(t) {
    t.equal([new URLPattern({ pathname: "/A" }, { ignoreCase: true }).test("http://h/a"), new URLPattern({ pathname: "/A" }).test("http://h/a")], [true, false]);
  },
  async "URLPattern refuses what is none"(t) {
    await t.throws("TypeError", () => new URLPattern({ pathname: "/:" }));
    await t.throws("TypeError", () => new URLPattern({ pathname: "/(" }));
    await t.throws("TypeError", () => new URLPattern("/x"));
    t.equal(new URLPattern({ pathname: "/x" }).test("no url"), false);
  },
};
