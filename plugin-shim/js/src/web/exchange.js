// One request or one fetch, as the engine has it: bodies both ways with backpressure, and its end.
import host from "valor:host";
import { Content } from "valor:body";
import { concat } from "valor:bytes";
import { ReadableStream } from "valor:streams";

const exchanges = new Map();

/** Bodies that came in and that nobody can read any more: their exchanges would stay for ever. */
const abandoned = new FinalizationRegistry((exchange) => exchange.done("body"));

export class Exchange {
  /** What still needs it, by name: `body` (comes in), `answer` or `upload` (goes out). */
  #needs;
  /** Continuations that wait for an event. */
  #waiting = { readable: null, writable: null };
  #cancelled = [];
  #released = false;
  #ended = false;
  /** Why it is over before its time. */
  failure = null;
  onResponse = () => {};

  constructor(id, ...needs) {
    this.id = id;
    this.#needs = new Set(needs);
    exchanges.set(id, this);
  }

  /** Calls `callback` with the reason when it is over before its time. */
  whenCancelled(callback) { this.#cancelled.push(callback); }

  /** The body that comes in. */
  content() {
    // Lives as long as the source or the stream that holds it.
    const token = {};
    abandoned.register(token, this);
    return new Content(null, { stream: () => this.#stream(token), all: () => this.#all(token) });
  }

  /** One of its needs is met. */
  done(need) {
    this.#needs.delete(need);
    if (this.#needs.size === 0) this.#release();
  }

  /** Aborts it. */
  reset(failed, reason, error = new TypeError(reason)) {
    if (this.#released) return;
    host.reset(this.id, failed, reason.slice(0, 400));
    this.#over(error);
  }

  /** Sends a stream as its body. */
  async send(stream) {
    const reader = stream.getReader();
    const stop = (error) => void reader.cancel(error).catch(() => {});
    this.whenCancelled(stop);
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (this.failure !== null) return;
        if (!done && !(value instanceof Uint8Array)) throw new TypeError("a chunk of the body is no Uint8Array");
        while (!host.write(this.id, done ? null : value, done)) {
          await this.#wait("writable");
          if (this.failure !== null) return;
        }
        if (done) return;
      }
    } catch (error) {
      stop(error);
      throw error;
    }
  }

  /** The engine says that something has happened. */
  static onEvent(id, response, readable, writable, cancelled) {
    const exchange = exchanges.get(id);
    if (exchange === undefined) return;
    if (response) exchange.onResponse();
    if (readable) exchange.#wake("readable");
    if (writable) exchange.#wake("writable");
    if (cancelled) exchange.#over(new TypeError(host.failure(id)));
  }

  #wait(event) { return new Promise((resolve) => (this.#waiting[event] = resolve)); }

  #wake(event) {
    const resolve = this.#waiting[event];
    this.#waiting[event] = null;
    resolve?.();
  }

  #over(error) {
    if (this.failure !== null) return;
    this.failure = error;
    this.#release();
    this.#wake("readable");
    this.#wake("writable");
    for (const callback of this.#cancelled) callback(error);
  }

  #release() {
    if (this.#released) return;
    this.#released = true;
    exchanges.delete(this.id);
    host.release(this.id);
  }

  /** The next part: bytes, or `null` at the end. */
  async #next() {
    while (!this.#ended) {
      if (this.failure !== null) throw this.failure;
      if (this.#released) throw new TypeError("the request was answered before its body was read");
      const part = host.read(this.id);
      if (part) return part;
      if (part === null) this.#ended = true;
      else await this.#wait("readable");
    }
    this.done("body");
    return null;
  }

  async #all(token) {
    const parts = [];
    for (let part = await this.#next(token); part !== null; part = await this.#next(token)) parts.push(part);
    return parts.length === 0 ? new Uint8Array() : concat(parts);
  }

  #stream(token) {
    const source = {
      type: "bytes",
      pull: async (controller) => {
        const part = await this.#next(token);
        if (part !== null) {
          controller.enqueue(part);
          return;
        }
        controller.close();
        controller.byobRequest?.respond(0);
      },
      cancel: () => {
        if (!this.#released) host.stop(this.id);
        this.#ended = true;
        this.done("body");
      },
    };
    return new ReadableStream(source, { highWaterMark: 0 });
  }
}
