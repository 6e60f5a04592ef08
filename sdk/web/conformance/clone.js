export const tests = {
  "values are cloned deeply, with cycles"(t) {
    const value = { a: [1, { b: "x" }], d: new Date(5), r: /x/gi, m: new Map([[{ k: 1 }, new Set([1])]]), n: null, u: undefined, big: 1n };
    value.self = value;
    const copy = structuredClone(value);
    t.ok(copy !== value && copy.self === copy && copy.a !== value.a);
    t.equal([copy.a, copy.d.getTime(), String(copy.r), [...copy.m][0][0], [...[...copy.m][0][1]], copy.big === 1n, "u" in copy], [[1, { b: "x" }], 5, "/x/gi", { k: 1 }, [1], true, true]);
  },
  "views share the clone of their buffer"(t) {
    const buffer = Uint8Array.of(1, 2, 3, 4).buffer;
    const copy = structuredClone([new Uint8Array(buffer, 1, 2), new DataView(buffer)]);
    t.ok(copy[0].buffer === copy[1].buffer && copy[0].buffer !== buffer);
    t.equal([[...copy[0]], copy[1].byteLength], [[2, 3], 4]);
  },
  "errors keep name, message and cause"(t) {
    const copy = structuredClone(new RangeError("far", { cause: { a: 1 } }));
    t.equal([copy instanceof RangeError, copy.name, copy.message, copy.cause], [true, "RangeError", "far", { a: 1 }]);
  },
  "boxed values, holes and prototypes"(t) {
    class Mine { a = 1; get b() { return 2; } }
    const copy = structuredClone([Object(1), Object("s"), new Mine(), [, 1]]);
    t.equal([typeof copy[0], copy[0] + 1, copy[1].length, Object.getPrototypeOf(copy[2]) === Object.prototype, Object.keys(copy[2]), 0 in copy[3], copy[3].length], ["object", 2, 1, true, ["a"], false, 2]);
  },
  async "what cannot be cloned is refused"(t) {
    for (const value of [() => {}, Symbol("x"), new WeakMap(), Promise.resolve(), { deep: [function f() {}] }]) {
      await t.throws("DataCloneError", () => structuredClone(value));
    }
    await t.throws("TypeError", () => structuredClone());
  },
  async "transferred buffers are detached"(t) {
    const buffer = Uint8Array.of(1, 2).buffer;
    const copy = structuredClone({ buffer }, { transfer: [buffer] });
    t.equal([buffer.byteLength, copy.buffer.byteLength], [0, 2]);
    await t.throws("DataCloneError", () => structuredClone(buffer));
    await t.throws("DataCloneError", () => structuredClone(1, { transfer: [{}] }));
  },
};
