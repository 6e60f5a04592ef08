const all = async (stream) => {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
};
const from = (...chunks) => new ReadableStream({ start(c) { for (const chunk of chunks) c.enqueue(chunk); c.close(); } });

export const tests = {
  async "ReadableStream pulls as it is read"(t) {
    let pulled = 0;
    const stream = new ReadableStream({ pull(c) { c.enqueue(++pulled); } }, { highWaterMark: 0 });
    const reader = stream.getReader();
    t.equal([pulled, (await reader.read()).value, (await reader.read()).value, pulled], [0, 1, 2, 2]);
    reader.releaseLock();
    t.equal(stream.locked, false);
  },
  async "ReadableStream is cancelled with a reason"(t) {
    let why;
    const stream = new ReadableStream({ cancel(reason) { why = reason; } });
    await stream.cancel("enough");
    t.equal([why, await stream.getReader().read()], ["enough", { value: undefined, done: true }]);
  },
  async "ReadableStream is locked by one reader"(t) {
    const stream = from(1);
    stream.getReader();
    await t.throws("TypeError", () => stream.getReader());
    await t.throws("TypeError", () => stream.cancel());
  },
  async "ReadableStream hands errors on"(t) {
    const stream = new ReadableStream({ start(c) { c.error(new RangeError("broken")); } });
    await t.throws("RangeError", () => stream.getReader().read());
  },
  async "ReadableStream.tee gives both all of it"(t) {
    const [a, b] = from(1, 2, 3).tee();
    t.equal(await Promise.all([all(a), all(b)]), [[1, 2, 3], [1, 2, 3]]);
  },
  async "ReadableStream.from takes iterables"(t) {
    t.equal(await all(ReadableStream.from([1, 2])), [1, 2]);
    async function* later() { yield 1; await null; yield 2; }
    t.equal(await all(ReadableStream.from(later())), [1, 2]);
  },
  async "byte streams fill a given buffer"(t) {
    const stream = new ReadableStream({ type: "bytes", start(c) { c.enqueue(Uint8Array.of(1, 2, 3)); c.close(); } });
    const reader = stream.getReader({ mode: "byob" });
    const first = await reader.read(new Uint8Array(2));
    t.equal([...first.value], [1, 2]);
    t.equal([...(await reader.read(new Uint8Array(2))).value], [3]);
  },
  async "WritableStream writes in turn and waits"(t) {
    const written = [];
    const stream = new WritableStream({ async write(chunk) { await null; written.push(chunk); }, close() { written.push("end"); } });
    const writer = stream.getWriter();
    t.equal(writer.desiredSize, 1);
    writer.write(1);
    t.equal(writer.desiredSize, 0);
    await writer.ready;
    await writer.write(2);
    await writer.close();
    t.equal(written, [1, 2, "end"]);
  },
  async "WritableStream hands errors and aborts on"(t) {
    const writer = new WritableStream({ write() { throw new RangeError("full"); } }).getWriter();
    await t.throws("RangeError", () => writer.write(1));
    let why;
    const other = new WritableStream({ abort(reason) { why = reason; } });
    await other.abort("enough");
    t.equal(why, "enough");
  },
  async "TransformStream changes what goes through"(t) {
    const doubled = new TransformStream({ transform(chunk, c) { c.enqueue(chunk * 2); }, flush(c) { c.enqueue("end"); } });
    t.equal(await all(from(1, 2).pipeThrough(doubled)), [2, 4, "end"]);
    const broken = new TransformStream({ transform() { throw new RangeError("broken"); } });
    await t.throws("RangeError", () => all(from(1).pipeThrough(broken)));
  },
  async "pipeTo ends, and stops at a signal"(t) {
    const got = [];
    await from(1, 2).pipeTo(new WritableStream({ write(chunk) { got.push(chunk); } }));
    t.equal(got, [1, 2]);
    const controller = new AbortController();
    const endless = new ReadableStream({ pull(c) { c.enqueue(1); } });
    const piped = endless.pipeTo(new WritableStream({ write() { controller.abort(); } }), { signal: controller.signal });
    await t.throws("AbortError", () => piped);
  },
  "queuing strategies count"(t) {
    t.equal([new CountQueuingStrategy({ highWaterMark: 3 }).size("abc"), new ByteLengthQueuingStrategy({ highWaterMark: 3 }).size(new Uint8Array(5))], [1, 5]);
  },
};
