export const tests = {
  "EventTarget calls its listeners in order"(t) {
    const target = new EventTarget();
    const seen = [];
    target.addEventListener("x", function (event) { seen.push(1, this === target, event.target === target, event.currentTarget === target); });
    target.addEventListener("x", { handleEvent(event) { seen.push(event.type); } });
    t.equal([target.dispatchEvent(new Event("x")), seen], [true, [1, true, true, true, "x"]]);
  },
  "listeners are added once, and removed"(t) {
    const target = new EventTarget();
    let n = 0;
    const listener = () => n++;
    target.addEventListener("x", listener);
    target.addEventListener("x", listener);
    target.dispatchEvent(new Event("x"));
    target.removeEventListener("x", listener);
    target.dispatchEvent(new Event("x"));
    t.equal(n, 1);
  },
  "once, signal and removal while it is dispatched"(t) {
    const target = new EventTarget();
    const controller = new AbortController();
    const seen = [];
    const never = () => seen.push("never");
    target.addEventListener("x", () => { seen.push("once"); target.removeEventListener("x", never); }, { once: true });
    target.addEventListener("x", never);
    target.addEventListener("x", () => seen.push("signal"), { signal: controller.signal });
    target.dispatchEvent(new Event("x"));
    controller.abort();
    target.dispatchEvent(new Event("x"));
    t.equal(seen, ["once", "signal"]);
  },
  "preventDefault and stopImmediatePropagation"(t) {
    const target = new EventTarget();
    const seen = [];
    target.addEventListener("x", (event) => event.preventDefault(), { passive: true });
    target.addEventListener("x", (event) => { seen.push(event.defaultPrevented); event.preventDefault(); event.stopImmediatePropagation(); });
    target.addEventListener("x", () => seen.push("never"));
    const event = new Event("x", { cancelable: true });
    t.equal([target.dispatchEvent(event), event.defaultPrevented, seen], [false, true, [false]]);
    t.equal(target.dispatchEvent(new Event("x")), true);
  },
  async "events are dispatched one at a time"(t) {
    const target = new EventTarget();
    const event = new Event("x");
    let error;
    target.addEventListener("x", () => { try { target.dispatchEvent(event); } catch (e) { error = e; } });
    target.dispatchEvent(event);
    t.equal(error.name, "InvalidStateError");
    await t.throws("TypeError", () => target.dispatchEvent({ type: "x" }));
    await t.throws("TypeError", () => new Event());
  },
  "CustomEvent has a detail, classes extend"(t) {
    class Mine extends EventTarget {}
    const mine = new Mine();
    let detail;
    mine.addEventListener("x", (event) => (detail = event.detail));
    mine.dispatchEvent(new CustomEvent("x", { detail: { a: 1 } }));
    t.equal([detail, new CustomEvent("x").detail], [{ a: 1 }, null]);
  },
};
