// One request or one fetch, as the engine has it: bodies both ways with backpressure, and its end.
import host from "valor:host";
import { Content } from "valor:body";
import { concat } from "valor:bytes";
import { ReadableStream } from "valor:streams";

/** Those that hear what happens: exchanges, or clients' requests that can only be cancelled. */
const hearers = new Map();

/** What an exchange may still be needed for: a body that comes in, an answer or an upload that goes out. */
export const BODY = 1;
export const ANSWER = 2;
export const UPLOAD = 4;

/** Bodies that came in and that nobody can read any more: their exchanges would stay for ever. */
const abandoned = new FinalizationRegistry((exchange) => exchange.done(BODY));

export class Exchange {
  id;
  /** Why it is over before its time. */
  failure = null;
  /** What still needs it; nothing: it is released. */
  #needs;
  /** What waits for an event; most requests are answered in the turn that they come with, and nothing ever does. */
  #ears = null;

  constructor(id, needs) {
    this.id = id;
    this.#needs = needs;
  }

  /** Hears what happens from now on: nothing can in the turn that it begins with. */
  listen() {
    if (this.#ears === null) {
      this.#ears = { response: null, readable: null, writable: null, cancelled: [], ended: false };
      if (this.#needs !== 0) hearers.set(this.id, this);
    }
    return this.#ears;
  }

  /** Calls `callback` when the answer to a fetch is there. */
  whenAnswered(callback) { this.listen().response = callback; }

  /** Calls `callback` with the reason when it is over before its time, or at once if it is. */
  whenCancelled(callback) {
    if (this.failure !== null) callback(this.failure);
    else this.listen().cancelled.push(callback);
  }

  /** The body that comes in. */
  content() {
    // Lives as long as the source or the stream that holds it.
    const token = {};
    abandoned.register(token, this);
    return new Content(null, { stream: () => this.#stream(token), all: () => this.#all(token) });
  }

  /** One of its needs is met. */
  done(need) {
    const needs = this.#needs & ~need;
    if (needs === 0) this.#release();
    else this.#needs = needs;
  }

  /** The request of these slots was answered with all of the answer, and is over. */
  static answered(slots) {
    const exchange = slots[EXCHANGE];
    if (typeof exchange !== "number") {
      exchange.#forget();
      return;
    }
    slots[EXCHANGE] = null;
    hearers.delete(exchange);
  }

  /** Aborts it. */
  reset(failed, reason, error = new TypeError(reason)) {
    if (this.#needs === 0) return;
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
    const hearer = hearers.get(id);
    if (hearer === undefined) return;
    const exchange = hearer instanceof Exchange ? hearer : exchangeIn(hearer);
    if (response) exchange.#ears.response();
    if (readable) exchange.#wake("readable");
    if (writable) exchange.#wake("writable");
    if (cancelled) exchange.#over(new TypeError(host.failure(id)));
  }

  #wait(event) { return new Promise((resolve) => (this.listen()[event] = resolve)); }

  #wake(event) {
    const resolve = this.#ears[event];
    this.#ears[event] = null;
    resolve?.();
  }

  #over(error) {
    if (this.failure !== null) return;
    this.failure = error;
    this.#release();
    if (this.#ears === null) return;
    this.#wake("readable");
    this.#wake("writable");
    for (const callback of this.#ears.cancelled) callback(error);
  }

  #release() {
    if (this.#needs === 0) return;
    this.#forget();
    host.release(this.id);
  }

  #forget() {
    this.#needs = 0;
    if (this.#ears !== null) hearers.delete(this.id);
  }

  /** The next part: bytes, or `null` at the end. */
  async #next() {
    while (!this.listen().ended) {
      if (this.failure !== null) throw this.failure;
      if (this.#needs === 0) throw new TypeError("the request was answered before its body was read");
      const part = host.read(this.id);
      if (part) return part;
      if (part === null) this.#ears.ended = true;
      else await this.#wait("readable");
    }
    this.done(BODY);
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
        if (this.#needs !== 0) host.stop(this.id);
        this.listen().ended = true;
        this.done(BODY);
      },
    };
    return new ReadableStream(source, { highWaterMark: 0 });
  }
}

/**
 * The slot of a client's request that has its exchange, or as long as nobody needs more the number of that, for most are answered before
 * anything happens; `null`: it cannot end before its time.
 */
export const EXCHANGE = 1;

/** The exchange in `slots`. */
export function exchangeIn(slots) {
  if (typeof slots[EXCHANGE] === "number") {
    const exchange = (slots[EXCHANGE] = new Exchange(slots[EXCHANGE], ANSWER));
    if (hearers.has(exchange.id)) exchange.listen();
  }
  return slots[EXCHANGE];
}

/** A request that is not answered yet hears when it is cancelled. */
export function listenIn(slots) {
  if (typeof slots[EXCHANGE] === "number") hearers.set(slots[EXCHANGE], slots);
  else slots[EXCHANGE].listen();
}
