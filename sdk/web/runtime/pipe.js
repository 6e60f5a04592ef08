// A body over a port, with credit: the reader says how much it has read, the sender never has more than a window under way.
// Streams are not transferred: those of Chromium never end when the other side is gone, and not every browser has them.

/** How many bytes may be under way. */
export const WINDOW = 1 << 20;

/** Sends a stream. */
export class Sender {
  #credit = WINDOW;
  #wake = () => {};
  /** @type {ReadableStreamDefaultReader<Uint8Array>} */
  #reader;
  #stopped = false;

  /**
   * @param {MessagePort} port
   * @param {number} id
   * @param {ReadableStream<Uint8Array>} stream
   * @param {boolean} move whether chunks are ours to give away: those of an author may be used again
   */
  constructor(port, id, stream, move) {
    this.port = port;
    this.id = id;
    this.move = move;
    this.#reader = stream.getReader();
  }

  /** The reader has read. @param {number} bytes */
  credit(bytes) {
    this.#credit += bytes;
    this.#wake();
  }

  /** Nobody reads any more. @param {unknown} [reason] */
  stop(reason) {
    this.#stopped = true;
    this.#wake();
    this.#reader.cancel(reason).catch(() => {});
  }

  /**
   * Sends all of it.
   * @returns {Promise<unknown>} why it has failed, or undefined
   */
  async run() {
    const { port, id } = this;
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        while (this.#credit <= 0 && !this.#stopped) await new Promise((wake) => (this.#wake = () => wake(null)));
        if (this.#stopped) return;
        if (done) return void port.postMessage({ type: "end", id });
        if (!(value instanceof Uint8Array)) throw new TypeError("a chunk of the body is no Uint8Array");
        this.#credit -= value.byteLength;
        this.#post(value);
      }
    } catch (error) {
      if (this.#stopped) return;
      this.stop(error);
      port.postMessage({ type: "error", id, reason: String(error) });
      return error;
    }
  }

  /** @param {Uint8Array} chunk */
  #post(chunk) {
    const whole = chunk.byteLength === chunk.buffer.byteLength;
    // Of a view into something larger, only what is seen is copied.
    const sent = whole ? chunk : chunk.slice();
    this.port.postMessage({ type: "data", id: this.id, chunk: sent }, this.move || !whole ? [sent.buffer] : []);
  }
}

/** Receives a stream. */
export class Receiver {
  /** @type {Uint8Array[]} */
  #chunks = [];
  #unacknowledged = 0;
  #ended = false;
  #wake = () => {};
  /** @type {ReadableStreamDefaultController<Uint8Array>} */
  #controller;

  /**
   * @param {MessagePort} port
   * @param {number} id
   * @param {() => void} done called once, when it has ended in any way
   */
  constructor(port, id, done) {
    this.port = port;
    this.id = id;
    this.done = done;
    /** @type {ReadableStream<Uint8Array>} */
    this.stream = new ReadableStream(
      { type: "bytes", start: (c) => void (this.#controller = c), pull: () => this.#pull(), cancel: () => this.#cancel() },
      { highWaterMark: 0 },
    );
  }

  /** @param {Uint8Array} chunk */
  data(chunk) {
    if (this.#ended) return;
    if (chunk.byteLength > 0) this.#chunks.push(chunk);
    this.#wake();
  }

  end() {
    if (this.#ended) return;
    this.#ended = true;
    this.#wake();
    this.done();
  }

  /** @param {Error} error */
  fail(error) {
    if (this.#ended) return;
    this.#ended = true;
    this.#chunks = [];
    this.#controller.error(error);
    this.#wake();
    this.done();
  }

  async #pull() {
    while (this.#chunks.length === 0 && !this.#ended) await new Promise((wake) => (this.#wake = () => wake(null)));
    const chunk = this.#chunks.shift();
    try {
      if (chunk === undefined) {
        this.#controller.close();
        this.#controller.byobRequest?.respond(0);
        return;
      }
      // It is moved into the stream and has no length afterwards.
      const bytes = chunk.byteLength;
      this.#controller.enqueue(chunk);
      this.#read(bytes);
    } catch {
      // It was cancelled, or has failed, while it waited.
    }
  }

  /** @param {number} bytes */
  #read(bytes) {
    this.#unacknowledged += bytes;
    if (this.#ended || this.#unacknowledged < WINDOW / 4) return;
    this.port.postMessage({ type: "credit", id: this.id, bytes: this.#unacknowledged });
    this.#unacknowledged = 0;
  }

  #cancel() {
    if (this.#ended) return;
    this.#ended = true;
    this.#chunks = [];
    this.#wake();
    this.port.postMessage({ type: "stop", id: this.id });
    this.done();
  }
}
