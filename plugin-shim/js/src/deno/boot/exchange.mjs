// One request or one fetch: bodies both ways with backpressure, and its end.
import { kinds, send } from "./channel.mjs";

const exchanges = new Map();
/** Parts that may be under way before the other side has taken one. */
const WINDOW = 2;
/** Longer parts are cut. */
export const MAX_PART = 64 * 1024;

/** Bodies that came in and that nobody can read any more: their exchanges would stay for ever. */
const abandoned = new FinalizationRegistry((exchange) => exchange.done(needs.BODY));

/** What an exchange can be needed for: a body comes in, an answer or the body of a fetch goes out. */
export const needs = Object.freeze({ BODY: 1, ANSWER: 2, UPLOAD: 4 });

export class Exchange {
  /** What still needs it. */
  #needs;
  #parts = [];
  #complete = false;
  #ended = false;
  #released = false;
  #credit = WINDOW;
  /** Continuations that wait for a part, and for credit. */
  #waiting = { part: null, credit: null };
  #cancelled = null;
  /** Why it is over before its time. */
  failure = null;
  onResponse = () => {};

  constructor(id, needs) {
    this.id = id;
    this.#needs = needs;
    exchanges.set(id, this);
  }

  static of(id) { return exchanges.get(id); }

  /** Calls `callback` with the reason when it is over before its time. */
  whenCancelled(callback) { (this.#cancelled ??= []).push(callback); }

  /** A part has come, `null`: the last one has. */
  receive(part) {
    if (part === null) this.#complete = true;
    else this.#parts.push(part);
    this.#wake("part");
  }

  /** The other side has taken a part. */
  took() {
    this.#credit += 1;
    this.#wake("credit");
  }

  /** It is over before its time. */
  over(error) {
    if (this.failure !== null) return;
    this.failure = error;
    this.#release();
    this.#wake("part");
    this.#wake("credit");
    for (const callback of this.#cancelled ?? []) callback(error);
  }

  /** One of its needs is met; `known`: the other side knows if that was the last one. */
  done(need, known = false) {
    this.#needs &= ~need;
    if (this.#needs === 0) this.#release(known);
  }

  /** Aborts it. */
  reset(failed, reason, error = new TypeError(reason)) {
    if (this.#released) return;
    send(kinds.RESET, this.id, `${failed ? "f" : "c"}${reason.slice(0, 400)}`);
    this.over(error);
  }

  /** The body that comes in. */
  stream() {
    // Lives as long as the source of the stream.
    const token = {};
    abandoned.register(token, this);
    return new ReadableStream({
      type: "bytes",
      pull: async (controller) => {
        const part = await this.#next(token);
        if (part !== null) return controller.enqueue(part);
        controller.close();
        controller.byobRequest?.respond(0);
      },
      cancel: () => {
        if (!this.#released) send(kinds.STOP, this.id);
        this.#ended = true;
        this.done(needs.BODY);
      },
    }, { highWaterMark: 0 });
  }

  /** Sends what a reader gives as its body. */
  async send(reader) {
    const stop = (error) => void reader.cancel(error).catch(() => {});
    this.whenCancelled(stop);
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (this.failure !== null) return;
        if (done) return send(kinds.LAST, this.id);
        for (const part of partsOf(value)) {
          while (this.#credit === 0) {
            await new Promise((resolve) => (this.#waiting.credit = resolve));
            if (this.failure !== null) return;
          }
          this.#credit -= 1;
          send(kinds.PART, this.id, part);
        }
      }
    } catch (error) {
      stop(error);
      throw error;
    }
  }

  async #next(_token) {
    while (!this.#ended) {
      if (this.#parts.length > 0) {
        if (!this.#released) send(kinds.PULL, this.id);
        return this.#parts.shift();
      }
      if (this.#complete) this.#ended = true;
      else if (this.failure !== null) throw this.failure;
      else if (this.#released) throw new TypeError("the request was answered before its body was read");
      else await new Promise((resolve) => (this.#waiting.part = resolve));
    }
    this.done(needs.BODY);
    return null;
  }

  #wake(what) {
    const resolve = this.#waiting[what];
    this.#waiting[what] = null;
    resolve?.();
  }

  #release(known = false) {
    if (this.#released) return;
    this.#released = true;
    exchanges.delete(this.id);
    if (!known) send(kinds.RELEASE, this.id);
    this.#wake("part");
  }
}

function* partsOf(value) {
  if (!(value instanceof Uint8Array)) throw new TypeError("a chunk of the body is no Uint8Array");
  for (let at = 0; at < value.length; at += MAX_PART) yield value.subarray(at, at + MAX_PART);
}

/**
 * The beginning of a stream, as far as it is there already: `{ first, whole, reader }`. What is whole travels with its head, so that it
 * has a length.
 */
export async function beginningOf(stream) {
  const reader = stream.getReader();
  let settled = null;
  const first = reader.read().then((result) => (settled = result));
  for (let turn = 0; turn < 8 && settled === null; turn += 1) await null;
  if (settled === null) return { first: null, whole: false, reader: ahead(reader, first) };
  if (settled.done) return { first: null, whole: true, reader };
  const [{ value }] = [settled];
  if (!(value instanceof Uint8Array)) throw new TypeError("a chunk of the body is no Uint8Array");
  if (value.length > MAX_PART) return { first: null, whole: false, reader: ahead(reader, Promise.resolve(settled)) };
  settled = null;
  const second = reader.read().then((result) => (settled = result));
  for (let turn = 0; turn < 8 && settled === null; turn += 1) await null;
  // A failure is found by whoever reads on.
  second.catch(() => {});
  const whole = settled !== null && settled.done;
  return { first: value, whole, reader: ahead(reader, second) };
}

/** A reader from which one result was taken already. */
function ahead(reader, taken) {
  let next = taken;
  return {
    read() {
      const result = next ?? reader.read();
      next = null;
      return result;
    },
    cancel: (reason) => reader.cancel(reason),
  };
}
