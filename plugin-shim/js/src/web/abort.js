// AbortController and AbortSignal (DOM standard, section 3).
import { Event, EventTarget, handlerAttribute } from "valor:events";
import { clearTimeout, setTimeout } from "valor:timers";

const KEY = Symbol();
let abort;

export class AbortSignal extends EventTarget {
  #aborted = false;
  #reason;
  /** Signals that depend on this one. */
  #dependents = new Set();
  #sources = new Set();
  #timer;

  static {
    abort = (signal, reason) => {
      if (signal.#aborted) return;
      const all = [signal, ...signal.#dependents].filter((s) => !s.#aborted);
      for (const each of all) {
        each.#aborted = true;
        each.#reason = reason;
        clearTimeout(each.#timer);
        for (const source of each.#sources) source.#dependents.delete(each);
      }
      for (const each of all) each.dispatchEvent(new Event("abort"));
    };
  }

  constructor(key) {
    if (key !== KEY) throw new TypeError("Illegal constructor: use new AbortController()");
    super();
  }

  get aborted() { return this.#aborted; }
  get reason() { return this.#reason; }
  throwIfAborted() {
    if (this.#aborted) throw this.#reason;
  }

  static abort(reason = new DOMException("This operation was aborted", "AbortError")) {
    const signal = new AbortSignal(KEY);
    signal.#aborted = true;
    signal.#reason = reason;
    return signal;
  }

  static timeout(milliseconds) {
    const delay = Number(milliseconds);
    if (!(delay >= 0 && delay <= Number.MAX_SAFE_INTEGER)) {
      throw new TypeError("AbortSignal.timeout: not a number of milliseconds");
    }
    const signal = new AbortSignal(KEY);
    const expire = () => abort(signal, new DOMException("The operation timed out", "TimeoutError"));
    signal.#timer = setTimeout(expire, delay);
    return signal;
  }

  static any(signals) {
    const result = new AbortSignal(KEY);
    const all = [...signals];
    if (all.some((s) => !(s instanceof AbortSignal))) throw new TypeError("AbortSignal.any: not all are signals");
    const aborted = all.find((s) => s.#aborted);
    if (aborted) {
      result.#aborted = true;
      result.#reason = aborted.#reason;
      return result;
    }
    // Only those that no other signal stands behind: no chain grows.
    for (const signal of all.flatMap((s) => (s.#sources.size > 0 ? [...s.#sources] : [s]))) {
      result.#sources.add(signal);
      signal.#dependents.add(result);
    }
    return result;
  }

  get [Symbol.toStringTag]() { return "AbortSignal"; }
}
handlerAttribute(AbortSignal.prototype, "abort");

export class AbortController {
  #signal = new AbortSignal(KEY);
  get signal() { return this.#signal; }
  abort(reason = new DOMException("This operation was aborted", "AbortError")) { abort(this.#signal, reason); }
  get [Symbol.toStringTag]() { return "AbortController"; }
}
