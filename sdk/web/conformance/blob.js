export const tests = {
  async "Blob joins its parts"(t) {
    const blob = new Blob(["é", Uint8Array.of(65), new Blob(["b"]), new DataView(Uint8Array.of(1, 67).buffer, 1), 5], { type: "Text/X" });
    t.equal([blob.size, blob.type, await blob.text()], [6, "text/x", "éAbC5"]);
    t.equal([...(await new Blob(["AB"]).bytes())], [65, 66]);
    t.equal((await new Blob(["AB"]).arrayBuffer()).byteLength, 2);
    await t.throws("TypeError", () => new Blob("text"));
    t.equal(new Blob([], { type: "\u0080" }).type, "");
  },
  async "Blob is sliced"(t) {
    const blob = new Blob(["hello"], { type: "a/b" });
    const of = async (...args) => blob.slice(...args).text();
    t.equal([await of(1, 3), await of(-2), await of(1), await of(3, 1), await of(0, -4), await of(9)], ["el", "lo", "ello", "", "h", ""]);
    t.equal([blob.slice(0, 1).type, blob.slice(0, 1, "C/d").type], ["", "c/d"]);
  },
  async "Blob is streamed"(t) {
    const size = 200_000;
    let got = 0;
    for await (const chunk of new Blob([new Uint8Array(size)]).stream()) got += chunk.length;
    t.equal(got, size);
    t.equal((await new Response(new Blob([]).stream()).bytes()).length, 0);
  },
  async "File has a name and a time"(t) {
    const file = new File(["x"], "a/b.txt", { type: "t/x", lastModified: 12 });
    t.equal([file.name, file.lastModified, file.type, file.size, file instanceof Blob, await file.text()], ["a/b.txt", 12, "t/x", 1, true, "x"]);
    t.ok(Math.abs(new File([], "x").lastModified - Date.now()) < 60_000);
    await t.throws("TypeError", () => new File(["x"]));
  },
};
