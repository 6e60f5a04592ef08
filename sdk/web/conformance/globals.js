export const tests = {
  async "atob and btoa"(t) {
    t.equal([btoa("ab\u00ff"), atob("YWL/"), atob(" Y W I = "), atob("YWI")], ["YWL/", "ab\u00ff", "ab", "ab"]);
    await t.throws("InvalidCharacterError", () => btoa("€"));
    await t.throws("InvalidCharacterError", () => atob("a"));
    await t.throws("InvalidCharacterError", () => atob("*"));
  },
  "DOMException is an Error with a name and a code"(t) {
    const error = new DOMException("text", "AbortError");
    t.equal([error.name, error.message, error.code, error instanceof Error, String(error)], ["AbortError", "text", 20, true, "AbortError: text"]);
  },
  "navigator has a user agent"(t) {
    t.ok(typeof navigator.userAgent === "string" && navigator.userAgent.length > 0);
  },
  "console has its methods and returns nothing"(t) {
    for (const name of ["log", "info", "debug", "warn", "error", "trace", "dir", "table", "assert", "group", "groupEnd", "count", "countReset", "time", "timeLog", "timeEnd"]) {
      t.equal(console[name](name === "assert" ? true : "conformance"), undefined);
    }
  },
  "globals are where they belong"(t) {
    t.ok(globalThis === self);
    for (const name of ["fetch", "URL", "Headers", "setTimeout", "structuredClone"]) {
      const { enumerable, writable, configurable } = Object.getOwnPropertyDescriptor(globalThis, name);
      t.equal([writable ?? true, configurable], [true, true]);
      void enumerable;
    }
  },
  "classes name themselves"(t) {
    const of = (value) => Object.prototype.toString.call(value).slice(8, -1);
    const all = [new Headers(), new Request("http://h/"), new Response(), new URL("http://h/"), new URLSearchParams(), new Blob([]), new File([], "x"), new FormData(),
      new AbortController(), new AbortController().signal, new Event("x"), new EventTarget(), new TextEncoder(), new TextDecoder(), new ReadableStream(), crypto, crypto.subtle];
    t.equal(all.map(of), ["Headers", "Request", "Response", "URL", "URLSearchParams", "Blob", "File", "FormData", "AbortController", "AbortSignal", "Event", "EventTarget", "TextEncoder", "TextDecoder", "ReadableStream", "Crypto", "SubtleCrypto"]);
  },
};
