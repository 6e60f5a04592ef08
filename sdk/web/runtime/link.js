// The service worker's end of a port to a plugin's Worker.

import { hold, whenGone } from "./protocol.js";
import { Problem } from "./problem.js";
import { Receiver, Sender } from "./pipe.js";

/** @typedef {import("./protocol.js").Fields} Fields */
/** @typedef {{ status: number, headers: Fields, body: ReadableStream<Uint8Array> | null }} Head */

/** How long a Worker may take for a `pong`. */
const GRACE = 1000;

/** This service worker, for the Workers: held from the first link on. */
const lock = `valor:router:${crypto.randomUUID()}`;
/** @type {Promise<void> | undefined} */
let held;

export class Link {
  /** @type {Map<number, Exchange>} */
  #exchanges = new Map();
  #next = 0;
  #retired = false;
  /** @type {Promise<boolean> | null} */
  #probe = null;
  #pong = () => {};
  /** Nothing is sent to it any more. */
  dead = false;

  /**
   * @param {string} name of the plugin
   * @param {number} generation which of its Workers
   * @param {string} worker the Worker's lock
   * @param {MessagePort} port
   * @param {(link: Link) => void} onGone
   */
  constructor(name, generation, worker, port, onGone) {
    this.name = name;
    this.generation = generation;
    this.port = port;
    this.onGone = onGone;
    port.onmessage = ({ data }) => this.#on(data);
    held ??= hold(lock);
    void held.then(() => port.postMessage({ type: "hello", lock }));
    whenGone(worker, () => this.gone("its Worker ended before it had answered; the request was not repeated"));
  }

  get inFlight() {
    return this.#exchanges.size;
  }

  /**
   * Sends a request.
   * @param {string} method
   * @param {string} target path and query below the prefix
   * @param {Fields} headers
   * @param {ReadableStream<Uint8Array> | null} body
   */
  open(method, target, headers, body) {
    const id = this.#next++;
    const exchange = new Exchange(this.port, id, body, () => this.#forget(id));
    this.#exchanges.set(id, exchange);
    this.port.postMessage({ type: "open", id, method, target, headers, body: body !== null });
    return exchange;
  }

  /** Whether the Worker still listens. */
  probe() {
    this.#probe ??= new Promise((answer) => {
      this.#pong = () => answer(true);
      setTimeout(() => answer(false), GRACE);
      this.port.postMessage({ type: "ping" });
    }).finally(() => (this.#probe = null));
    return this.#probe;
  }

  /** What was in flight is answered. @param {string} detail */
  gone(detail) {
    if (this.dead) return;
    this.dead = true;
    for (const exchange of [...this.#exchanges.values()]) exchange.fail(new Problem("plugin-crashed", detail));
    this.port.close();
    this.onGone(this);
  }

  /** Another one has taken its place: it ends what it has. */
  retire() {
    this.#retired = true;
    if (this.inFlight === 0) this.port.close();
  }

  /** @param {any} message */
  #on(message) {
    if (message.type === "pong") return this.#pong();
    this.#exchanges.get(message.id)?.on(message);
  }

  /** @param {number} id */
  #forget(id) {
    this.#exchanges.delete(id);
    if (this.#retired && this.inFlight === 0) this.port.close();
  }
}

/** One request and its answer. */
export class Exchange {
  /** @type {Sender | null} */
  #sender = null;
  /** @type {Receiver | null} */
  #receiver = null;
  #open = true;

  /**
   * @param {MessagePort} port
   * @param {number} id
   * @param {ReadableStream<Uint8Array> | null} body
   * @param {() => void} over
   */
  constructor(port, id, body, over) {
    this.port = port;
    this.id = id;
    this.over = over;
    /** @type {Promise<Head>} */
    this.head = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.head.catch(() => {});
    /** Settles when nothing more comes. */
    this.ended = new Promise((resolve) => (this.end = resolve));
    if (body !== null) {
      this.#sender = new Sender(port, id, body, true);
      queueMicrotask(() => this.#upload());
    }
  }

  async #upload() {
    const error = await this.#sender?.run();
    if (error !== undefined) this.reject(new Problem("bad-request", "the request body ended early, or is malformed"));
  }

  /** @param {any} message */
  on(message) {
    switch (message.type) {
      case "head":
        if (message.body) this.#receiver = new Receiver(this.port, this.id, () => this.#finish());
        this.resolve({ status: message.status, headers: message.headers, body: this.#receiver?.stream ?? null });
        if (!message.body) this.#finish();
        break;
      case "fail":
        return this.fail(new Problem(message.kind, message.detail));
      case "data":
        return this.#receiver?.data(message.chunk);
      case "end":
        return this.#receiver?.end();
      case "error":
        return this.#receiver?.fail(new TypeError(`the plugin's answer broke off: ${message.reason}`));
      case "credit":
        return this.#sender?.credit(message.bytes);
      case "stop":
        return this.#sender?.stop();
    }
  }

  /** Nobody waits any more. */
  cancel() {
    if (!this.#open) return;
    this.port.postMessage({ type: "cancel", id: this.id });
    this.fail(new Problem("bad-request", "nobody waits for the answer"));
  }

  /** @param {Problem} problem */
  fail(problem) {
    this.reject(problem);
    this.#receiver?.fail(new TypeError(`the plugin's answer broke off: ${problem.message}`));
    this.#finish();
  }

  #finish() {
    if (!this.#open) return;
    this.#open = false;
    this.#sender?.stop();
    this.over();
    this.end(undefined);
  }
}
