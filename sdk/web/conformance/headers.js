export const tests = {
  "Headers are made of many things"(t) {
    const of = (init) => [...new Headers(init)];
    t.equal(of({ B: "2", a: 1 }), [["a", "1"], ["b", "2"]]);
    t.equal(of([["x", "1"], ["X", "2"]]), [["x", "1, 2"]]);
    t.equal(of(new Headers({ a: "b" })), [["a", "b"]]);
    t.equal(of(undefined), []);
  },
  "Headers ignore case and trim values"(t) {
    const headers = new Headers();
    headers.append("Content-Type", "  text/x \t");
    headers.append("X", "1");
    headers.append("x", "2");
    t.equal([headers.get("CONTENT-TYPE"), headers.get("x"), headers.get("y"), headers.has("X")], ["text/x", "1, 2", null, true]);
    headers.set("X", "3");
    t.equal(headers.get("x"), "3");
    headers.delete("X");
    t.equal([...headers.keys()], ["content-type"]);
  },
  "cookies that are set stay apart"(t) {
    const headers = new Headers([["set-cookie", "a=1"], ["z", "1"], ["Set-Cookie", "b=2"]]);
    t.equal(headers.getSetCookie(), ["a=1", "b=2"]);
    t.equal([...headers], [["set-cookie", "a=1"], ["set-cookie", "b=2"], ["z", "1"]]);
  },
  async "Headers refuse what HTTP does not allow"(t) {
    for (const name of ["", "a b", "ü", "a:"]) await t.throws("TypeError", () => new Headers([[name, "x"]]));
    for (const value of ["a\nb", "a\0b", "€"]) await t.throws("TypeError", () => new Headers({ x: value }));
    await t.throws("TypeError", () => new Headers([["a"]]));
    await t.throws("TypeError", () => new Headers(null));
    t.equal(new Headers({ x: "é" }).get("x"), "é");
  },
  "Headers can be walked"(t) {
    const headers = new Headers({ b: "2", a: "1" });
    const seen = [];
    headers.forEach((value, name, all) => seen.push([name, value, all === headers]));
    t.equal(seen, [["a", "1", true], ["b", "2", true]]);
    t.equal([[...headers.entries()], [...headers.values()]], [[["a", "1"], ["b", "2"]], ["1", "2"]]);
    t.equal(Object.prototype.toString.call(headers), "[object Headers]");
  },
};
