// One request in a plugin's Worker, and its answer.

import { Receiver, Sender } from "./pipe.js";

/** @typedef {import("./worker.js").Engine} Engine */
/** @typedef {import("./worker.js").Answer} Answer */

export class Served {
  #client = new AbortController();
  /** @type {Receiver | null} */
  #receiver = null;
  /** @type {Sender | null} */
  #sender = null;
  #open = true;

  /**
   * @param {MessagePort} port
   * @param {{ id: number, method: string, target: string, headers: [string, string][], body: boolean }} head
   * @param {() => void} over
   */
  constructor(port, head, over) {
    this.port = port;
    this.head = head;
    this.over = over;
    if (head.body) this.#receiver = new Receiver(port, head.id, () => {});
  }

  /** @param {Engine} engine @param {(error: unknown, id?: string) => void} report */
  async run(engine, report) {
    const { id, method, target, headers } = this.head;
    const requestId = headers.find(([name]) => name === "x-request-id")?.[1];
    const failed = (/** @type {unknown} */ error) => {
      console.error(error);
      report(error, requestId);
    };
    try {
      const body = this.#receiver?.stream ?? null;
      const answer = await engine.answer({ method, target, headers, body, signal: this.#client.signal });
      const error = await this.#respond(answer);
      if (error !== undefined) failed(error);
    } catch (error) {
      if (this.#open) {
        failed(error);
        this.port.postMessage({ type: "fail", id, kind: "plugin-failed", detail: "its handler failed: see the browser's console" });
      }
    } finally {
      this.#finish();
    }
  }

  /** @param {Answer} answer @returns {Promise<unknown>} why its body has failed */
  async #respond({ status, headers, body }) {
    if (!this.#open) return void body?.cancel().catch(() => {});
    const { id } = this.head;
    if (body !== null) this.#sender = new Sender(this.port, id, body, false);
    this.port.postMessage({ type: "head", id, status, headers, body: body !== null });
    return this.#sender?.run();
  }

  /** Nobody waits any more. */
  cancel() {
    if (!this.#open) return;
    const reason = new DOMException("nobody waits for the answer", "AbortError");
    this.#client.abort(reason);
    this.#receiver?.fail(reason);
    this.#sender?.stop(reason);
    this.#finish();
  }

  /** @param {any} message */
  on(message) {
    switch (message.type) {
      case "data":
        return this.#receiver?.data(message.chunk);
      case "end":
        return this.#receiver?.end();
      case "error":
        return this.#receiver?.fail(new TypeError(`the request's body broke off: ${message.reason}`));
      case "credit":
        return this.#sender?.credit(message.bytes);
      case "stop":
        this.#sender?.stop(new DOMException("nobody reads the answer", "AbortError"));
        return this.#client.abort(new DOMException("nobody waits for the answer", "AbortError"));
      case "cancel":
        return this.cancel();
    }
  }

  #finish() {
    if (!this.#open) return;
    this.#open = false;
    this.#receiver?.fail(new TypeError("the request was answered before its body was read"));
    this.over();
  }
}
