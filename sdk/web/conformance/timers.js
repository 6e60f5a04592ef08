const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const tests = {
  async "timers come in order, with their arguments"(t) {
    const seen = [];
    // Each is due after the one before, however long this takes.
    setTimeout(() => seen.push("soon"), 1);
    setTimeout(() => seen.push("second"), 1);
    setTimeout((...args) => seen.push(...args), 20, "late", 1);
    await sleep(40);
    t.equal(seen, ["soon", "second", "late", 1]);
  },
  async "timers are cleared"(t) {
    let n = 0;
    clearTimeout(setTimeout(() => n++, 1));
    const id = setInterval(() => { if (++n === 3) clearInterval(id); }, 1);
    clearTimeout(undefined);
    clearTimeout(123456789);
    while (n < 3) await sleep(1);
    await sleep(10);
    t.equal(n, 3);
  },
  async "microtasks come before timers"(t) {
    const seen = [];
    setTimeout(() => seen.push("timer"), 0);
    queueMicrotask(() => seen.push("microtask"));
    Promise.resolve().then(() => seen.push("promise"));
    seen.push("now");
    await sleep(5);
    t.equal(seen, ["now", "microtask", "promise", "timer"]);
    await t.throws("TypeError", () => queueMicrotask("text"));
  },
  async "performance.now does not go back"(t) {
    const began = performance.now();
    await sleep(5);
    t.ok(performance.now() - began >= 4, "is too early");
    t.ok(Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 60_000, "is far from the clock");
  },
};
