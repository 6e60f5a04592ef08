const PARTS = ["href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"];

export const tests = {
  "URL has its parts"(t) {
    const url = new URL("https://user:pa%20ss@EXAMPLE.org:8443/a/../b c?x=1&y=ü#frag");
    t.equal(PARTS.map((part) => url[part]), [
      "https://user:pa%20ss@example.org:8443/b%20c?x=1&y=%C3%BC#frag", "https://example.org:8443", "https:", "user", "pa%20ss",
      "example.org:8443", "example.org", "8443", "/b%20c", "?x=1&y=%C3%BC", "#frag",
    ]);
    t.equal([String(url), JSON.stringify(url)], [url.href, JSON.stringify(url.href)]);
  },
  "URL resolves against a base"(t) {
    const of = (url) => new URL(url, "http://h/a/b/c?q#f").href;
    t.equal(["d", "../d", "/d", "//i/d", "?z", "#z", "", "mailto:x@y"].map(of), [
      "http://h/a/b/d", "http://h/a/d", "http://h/d", "http://i/d", "http://h/a/b/c?z", "http://h/a/b/c?q#z", "http://h/a/b/c?q", "mailto:x@y",
    ]);
    t.equal(new URL("x", new URL("http://h/")).href, "http://h/x");
  },
  async "URL refuses what is none"(t) {
    for (const bad of ["", "/x", "http://", "http://[::1", "http://h:99999", "http://a b/"]) await t.throws("TypeError", () => new URL(bad));
    t.equal([URL.canParse("x"), URL.canParse("x", "http://h"), URL.parse("x"), URL.parse("http://h").href], [false, true, null, "http://h/"]);
  },
  "URL normalises hosts"(t) {
    const of = (host) => new URL(`http://${host}/`).host;
    t.equal(["ÄÖ.example", "0x7f.1", "[::0:1]", "h:80", "a%41"].map(of), ["xn--4ca0b.example", "127.0.0.1", "[::1]", "h", "aa"]);
    t.equal([new URL("file:///x").origin, new URL("data:x").origin], ["null", "null"]);
  },
  async "URL setters take effect or are ignored"(t) {
    const url = new URL("http://h/p");
    url.port = "8080"; url.pathname = "a b"; url.search = "q=1"; url.hash = "x"; url.hostname = "i"; url.username = "u"; url.protocol = "https";
    t.equal(url.href, "https://u@i:8080/a%20b?q=1#x");
    url.port = "no"; url.host = ""; url.protocol = "mailto";
    t.equal(url.href, "https://u@i:8080/a%20b?q=1#x");
    url.port = ""; url.search = ""; url.hash = "";
    t.equal(url.href, "https://u@i/a%20b");
    await t.throws("TypeError", () => (url.href = "nope"));
    url.href = "http://k/";
    t.equal(url.hostname, "k");
  },
  "searchParams and search follow each other"(t) {
    const url = new URL("http://h/?a=1");
    const params = url.searchParams;
    params.append("b", "x y&");
    t.equal(url.href, "http://h/?a=1&b=x+y%26");
    url.search = "?c=3";
    t.equal([...params], [["c", "3"]]);
    params.delete("c");
    t.equal([url.href, url.searchParams === params], ["http://h/", true]);
  },
  async "URLSearchParams is made of many things"(t) {
    const of = (init) => String(new URLSearchParams(init));
    t.equal([of("?a=1&b=2&a=3"), of([["a", "1"], ["a", 2]]), of({ a: 1, b: "ü" }), of(new URLSearchParams("x=%41+b")), of(undefined), of("a&=b&")],
      ["a=1&b=2&a=3", "a=1&a=2", "a=1&b=%C3%BC", "x=A+b", "", "a=&=b"]);
    await t.throws("TypeError", () => new URLSearchParams([["a"]]));
    await t.throws("TypeError", () => new URLSearchParams([["a", "b", "c"]]));
  },
  "URLSearchParams reads and changes"(t) {
    const params = new URLSearchParams("a=1&b=2&a=3&c=");
    t.equal([params.get("a"), params.get("z"), params.getAll("a"), params.has("c"), params.has("a", "3"), params.has("a", "2"), params.size],
      ["1", null, ["1", "3"], true, true, false, 4]);
    params.set("a", "9");
    params.delete("b", "5");
    t.equal(String(params), "a=9&b=2&c=");
    params.append("a", "0");
    params.sort();
    t.equal([...params.entries()], [["a", "9"], ["a", "0"], ["b", "2"], ["c", ""]]);
    t.equal([[...params.keys()], [...params.values()]], [["a", "a", "b", "c"], ["9", "0", "2", ""]]);
    const seen = [];
    params.forEach((value, name, all) => seen.push(name + value + (all === params)));
    t.equal(seen[0], "a9true");
  },
  "URLSearchParams writes halves of surrogate pairs as replacements"(t) {
    t.equal(String(new URLSearchParams({ a: "\ud800" })), "a=%EF%BF%BD");
  },
};
