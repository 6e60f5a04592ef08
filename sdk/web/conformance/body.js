const of = (body, init) => new Response(body, init);
const bytes = (...values) => Uint8Array.from(values);
const stream = (...chunks) => new ReadableStream({
  start(controller) {
    for (const chunk of chunks) controller.enqueue(chunk);
    controller.close();
  },
});

export const tests = {
  async "bodies are made of many things, with their types"(t) {
    const form = new FormData();
    form.append("a", "1");
    for (const [body, text, type] of [
      ["é", "é", "text/plain;charset=UTF-8"],
      [new URLSearchParams({ a: "b c" }), "a=b+c", "application/x-www-form-urlencoded;charset=UTF-8"],
      [new Blob(["x"], { type: "A/b" }), "x", "a/b"],
      [new Blob(["x"]), "x", null],
      [bytes(65, 66), "AB", null],
      [bytes(65, 66).buffer, "AB", null],
      [new DataView(bytes(1, 65, 66).buffer, 1), "AB", null],
      [stream(bytes(65), bytes(66)), "AB", null],
      [12, "12", "text/plain;charset=UTF-8"],
      [null, "", null],
    ]) {
      const response = of(body);
      t.equal([response.headers.get("content-type"), await response.text()], [type, text]);
    }
    t.ok(of(form).headers.get("content-type").startsWith("multipart/form-data; boundary="));
  },
  async "bodies are read in every way"(t) {
    t.equal(await of("[1,2]").json(), [1, 2]);
    t.equal([...new Uint8Array(await of("AB").arrayBuffer())], [65, 66]);
    t.equal([...(await of("AB").bytes())], [65, 66]);
    const blob = await of("AB", { headers: { "content-type": "x/y" } }).blob();
    t.equal([blob.type, await blob.text()], ["x/y", "AB"]);
    t.equal(await of(bytes(0xef, 0xbb, 0xbf, 65, 0xff)).text(), "A\ufffd");
    await t.throws("SyntaxError", () => of("{").json());
  },
  async "a body is read once"(t) {
    const response = of("x");
    t.equal([response.bodyUsed, await response.text(), response.bodyUsed], [false, "x", true]);
    await t.throws("TypeError", () => response.text());
    await t.throws("TypeError", () => response.json());
    t.equal([of(null).bodyUsed, await of(null).text()], [false, ""]);
  },
  async "a body that is locked or was touched is not read"(t) {
    const locked = of("x");
    locked.body.getReader();
    t.equal(locked.bodyUsed, false);
    await t.throws("TypeError", () => locked.text());
    const touched = of(stream(bytes(1), bytes(2)));
    const reader = touched.body.getReader();
    await reader.read();
    reader.releaseLock();
    t.equal(touched.bodyUsed, true);
    await t.throws("TypeError", () => touched.text());
    await t.throws("TypeError", () => of(touched.body));
  },
  async "the stream of a body gives its bytes"(t) {
    const parts = [];
    for await (const part of of("hello").body) parts.push(...part);
    t.equal(new TextDecoder().decode(bytes(...parts)), "hello");
    const reader = of("hello").body.getReader({ mode: "byob" });
    const { value } = await reader.read(new Uint8Array(3));
    t.equal(new TextDecoder().decode(value), "hel");
  },
  async "a stream of anything but bytes is no body"(t) {
    await t.throws("TypeError", () => of(stream("text")).text());
  },
  async "an error of the stream is the reader's"(t) {
    const broken = new ReadableStream({ pull() { throw new RangeError("broken"); } });
    await t.throws("RangeError", () => of(broken).text());
  },
  async "what was given may change afterwards"(t) {
    const given = bytes(65);
    const response = of(given);
    given[0] = 66;
    t.equal(await response.text(), "A");
  },
};
