export const tests = {
  "AbortController aborts once"(t) {
    const controller = new AbortController();
    const seen = [];
    controller.signal.addEventListener("abort", (event) => seen.push(event.type));
    controller.signal.onabort = () => seen.push("on");
    controller.abort();
    controller.abort("again");
    t.equal([controller.signal.aborted, controller.signal.reason.name, seen], [true, "AbortError", ["abort", "on"]]);
  },
  async "throwIfAborted throws the reason"(t) {
    AbortSignal.any([]).throwIfAborted();
    const signal = AbortSignal.abort(new RangeError("why"));
    await t.throws("RangeError", () => signal.throwIfAborted());
    await t.throws("TypeError", () => new AbortSignal());
  },
  async "AbortSignal.timeout"(t) {
    const signal = AbortSignal.timeout(1);
    t.equal(signal.aborted, false);
    await new Promise((resolve) => (signal.onabort = resolve));
    t.equal(signal.reason.name, "TimeoutError");
  },
  "AbortSignal.any follows all of them"(t) {
    const [a, b] = [new AbortController(), new AbortController()];
    const any = AbortSignal.any([a.signal, b.signal]);
    const outer = AbortSignal.any([any]);
    t.equal([any.aborted, outer.aborted], [false, false]);
    b.abort("b");
    a.abort("a");
    t.equal([any.reason, outer.reason, AbortSignal.any([a.signal]).reason], ["b", "b", "a"]);
  },
};
