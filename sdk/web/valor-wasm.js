// @ts-check
/**
 * The loader of valor plugins that are core WebAssembly modules, for JavaScript hosts: browsers (in Workers too), node from 18 on, Deno.
 * It is the host's side of the message ABI, which `sdk/abi/src/message` describes; the names below are the ones used there.
 *
 *     const plugin = await instantiate(bytes, { name: "hello", config: { who: "you" } });
 *     const response = await plugin.fetch(new Request("http://localhost/"));
 *
 * The guest is hostile: whatever it says is checked, and a lie or a trap ends this instance only. `plugin.closed` then resolves, every
 * exchange fails with a {@link PluginError}, and `instantiate` makes a new one.
 *
 * @module
 */

/** @typedef {[name: string, value: string]} Field Values are Latin-1: one character is one byte. */
/** @typedef {{ status: number, headers: Field[], body: ReadableStream<Uint8Array> | null }} Answer */
/** @typedef {{ method: string, target: string, headers: Iterable<Field>, body?: ReadableStream<Uint8Array> | Uint8Array | null }} Head */
/** @typedef {{ deadline?: number, signal?: AbortSignal }} Limits `deadline`: milliseconds to the response head. */
/** @typedef {{ level: "trace" | "debug" | "info" | "warn" | "error", target: string, message: string }} Line */
/**
 * @typedef {object} Options
 * @property {string} [name] the name that the plugin is registered under
 * @property {unknown} [config] its configuration: anything that JSON can say
 * @property {(url: string, init: RequestInit & { duplex?: "half" }) => Promise<Response>} [fetch] makes the plugin's requests; `url` may be
 *   a path on this host. Without it: `globalThis.fetch`
 * @property {(line: Line) => void} [log] takes what the plugin logs; without it: the console
 */

const VERSION = 1;
const MODULE = "valor";
const [CREATE, CREATED, REQUEST, RESPONSE, DATA, RESET, WINDOW, FETCH, WAKE, LOG, SKIP] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 128];
const [END, FAILED] = [1, 2];
const FETCHES = 0x8000_0000;
const HEADER = 12;
const KiB = 1024;
const [MAX_BATCH, MAX_HEAD, MAX_FIELDS, MAX_DATA] = [1024 * KiB, 64 * KiB, 128, 128 * KiB];
const [MAX_REASON, MAX_LOG, MAX_RANDOM, MAX_EXCHANGES] = [512, 16 * KiB, 64 * KiB, 4096];
const [INITIAL_WINDOW, MAX_WINDOW] = [128 * KiB, 1024 * KiB];
const CANCEL = 1, DEADLINE = 2, BROKEN = 3, REFUSED = 5, UNREACHABLE = 6;
/** What each kind of the guest may have: flags, the longest payload, whether it is of an exchange. */
const GUEST = new Map([
  [CREATED, [FAILED, MAX_LOG, false]],
  [RESPONSE, [END, MAX_HEAD, true]],
  [DATA, [END, MAX_DATA, true]],
  [RESET, [0, 1 + MAX_REASON, true]],
  [WINDOW, [0, 4, true]],
  [FETCH, [END, MAX_HEAD, true]],
  [WAKE, [0, 8, false]],
  [LOG, [0, 2 + 255 + MAX_LOG, false]],
]);
const LEVELS = /** @type {const} */ (["trace", "debug", "info", "warn", "error"]);

const utf8 = new TextEncoder();
const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Why there is no answer. `code`: `trap` (it panicked, or ran into one), `violation` (it broke the ABI), `abi` (it is no such module),
 * `create` (`on_create` failed), `failed` (the handler, or a body), `deadline`, `cancelled`, `refused` (a limit), `closed` (by `close()`).
 * After the first two and the last the instance is dead.
 */
export class PluginError extends Error {
  /** @param {string} code @param {string} message @param {unknown} [cause] */
  constructor(code, message, cause) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "PluginError";
    this.code = code;
  }
}

/** @param {boolean} ok @param {string} what @returns {asserts ok} */
function check(ok, what) {
  if (!ok) throw new PluginError("violation", `the module broke the message ABI: ${what}`);
}

/**
 * Compiles a module and looks at what it needs, so that a refusal can name it.
 *
 * @param {BufferSource | WebAssembly.Module} source
 * @returns {Promise<WebAssembly.Module>}
 */
export async function compile(source) {
  let module;
  try {
    module = source instanceof WebAssembly.Module ? source : await WebAssembly.compile(source);
  } catch (error) {
    throw new PluginError("abi", `this is no WebAssembly module: ${/** @type {Error} */ (error).message}`, error);
  }
  const foreign = WebAssembly.Module.imports(module).find(({ module, name }) => module !== MODULE || !["send", "now", "random"].includes(name));
  if (foreign) {
    const hint = foreign.module.startsWith("__wbindgen") ? ": it comes of wasm-bindgen; switch off the feature of a dependency that brings it, such as `js`, `wasm_js` or `wasmbind`"
      : foreign.module.startsWith("wasi") ? ": build it for wasm32-unknown-unknown" : "";
    throw new PluginError("abi", `the module imports \`${foreign.name}\` of \`${foreign.module}\`, which is not there${hint}`);
  }
  const exports = new Set(WebAssembly.Module.exports(module).map(({ name, kind }) => `${kind} ${name}`));
  for (const needed of ["memory memory", "function valor_abi_version", "function valor_alloc", "function valor_receive"]) {
    if (!exports.has(needed)) throw new PluginError("abi", `the module has no ${needed}: is it built with #[vlugin], as a cdylib?`);
  }
  return module;
}

/**
 * What the plugin says about itself, read without running it.
 *
 * @param {WebAssembly.Module} module
 * @returns {any} the manifest, or null
 */
export function manifest(module) {
  const [section] = WebAssembly.Module.customSections(module, "valor-manifest");
  return section ? JSON.parse(text.decode(section)) : null;
}

/**
 * Makes an instance and waits for its `on_create`.
 *
 * @param {BufferSource | WebAssembly.Module} source
 * @param {Options} [options]
 * @returns {Promise<Plugin>}
 */
export async function instantiate(source, options = {}) {
  const module = await compile(source);
  const plugin = new Plugin(module, options);
  await plugin.created;
  // It may have died in the very call that created it.
  if (plugin.dead) throw plugin.dead;
  return plugin;
}

/** One instance. Made by {@link instantiate}. */
export class Plugin {
  /** @type {PluginError | null} why it is dead */
  dead = null;
  /** @type {Promise<PluginError>} resolves when it is dead */
  closed;
  /** @type {Promise<void>} */
  created;

  /** @type {any} */ #exports = null;
  /** @type {Options} */ #options;
  /** @type {Map<number, Exchange>} */ #open = new Map();
  /** @type {Uint8Array[]} */ #queue = [];
  #inside = false;
  /** @type {string | undefined} what a panic has said before it trapped */ #panic;
  #last = 0;
  #fetches = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** @type {"asked" | "creating" | "created"} */ #state = "asked";
  #settle = { closed: /** @type {any} */ (null), created: /** @type {any} */ (null), failed: /** @type {any} */ (null) };

  /** @param {WebAssembly.Module} module @param {Options} options */
  constructor(module, options) {
    this.#options = options;
    this.closed = new Promise((resolve) => (this.#settle.closed = resolve));
    this.created = new Promise((resolve, reject) => Object.assign(this.#settle, { created: resolve, failed: reject }));
    this.created.catch(() => {});
    this.#guarded(() => {
      const legal = () => check(this.#exports !== null && this.#state !== "asked", "an import was called too early");
      const instance = new WebAssembly.Instance(module, {
        [MODULE]: {
          send: (/** @type {number} */ ptr, /** @type {number} */ len) => (legal(), this.#received(ptr, len)),
          now: (/** @type {number} */ clock) => (legal(), now(clock)),
          random: (/** @type {number} */ ptr, /** @type {number} */ len) => {
            legal();
            check(len >>> 0 <= MAX_RANDOM, "too many random bytes at once");
            crypto.getRandomValues(this.#memory(ptr, len));
          },
        },
      });
      const exports = instance.exports;
      if (typeof exports._initialize === "function") exports._initialize();
      const version = /** @type {any} */ (exports).valor_abi_version();
      if (version !== VERSION) throw new PluginError("abi", `the module speaks version ${version} of the message ABI, and this loader ${VERSION}`);
      this.#exports = exports;
      this.#state = "creating";
    });
    const { name = "plugin", config = null } = options;
    this.#deliver(CREATE, 0, 0, (out) => out.long(utf8.encode(name)).bytes(config === null ? [] : utf8.encode(JSON.stringify(config))));
  }

  /**
   * Answers a request. Path and query of its URL are what the plugin sees.
   *
   * @param {Request} request
   * @param {Limits} [limits]
   * @returns {Promise<Response>}
   */
  async fetch(request, limits = {}) {
    const url = new URL(request.url);
    const headers = [...request.headers];
    if (!request.headers.has("host")) headers.unshift(["host", url.host]);
    // Not every browser shows the body of a request as a stream.
    const body = request.body === undefined ? new Uint8Array(await request.arrayBuffer()) : request.body;
    const signal = limits.signal ?? request.signal;
    const head = { method: request.method, target: url.pathname + url.search, headers, body };
    const answer = await this.request(head, { ...limits, signal });
    const empty = [204, 205, 304].includes(answer.status) || request.method === "HEAD";
    if (empty) await answer.body?.cancel();
    return new Response(empty ? null : answer.body, { status: answer.status, headers: answer.headers });
  }

  /**
   * Answers a request, without the rules of `Request` and `Response`: targets are passed as they are, and so are all header fields.
   *
   * @param {Head} head
   * @param {Limits} [limits]
   * @returns {Promise<Answer>}
   */
  async request(head, { deadline = 0, signal } = {}) {
    if (this.dead) throw this.dead;
    if (this.#state !== "created") throw new PluginError("refused", "the plugin is not created yet");
    if (signal?.aborted) throw new PluginError("cancelled", "cancelled", signal.reason);
    if (this.#open.size - this.#fetches >= MAX_EXCHANGES) throw new PluginError("refused", "too many requests at once");
    do this.#last = this.#last === FETCHES - 1 ? 1 : this.#last + 1;
    while (this.#open.has(this.#last));
    const id = this.#last;
    const body = head.body instanceof Uint8Array && head.body.length === 0 ? null : head.body ?? null;
    const exchange = new Exchange(this.#sender(id), () => this.#open.delete(id), false);
    const frame = encode(REQUEST, body ? 0 : END, id, (out) =>
      out.u32(Math.min(deadline, 0xffff_ffff)).short(utf8.encode(head.method)).long(utf8.encode(head.target)).fields(head.headers), MAX_HEAD);
    this.#open.set(id, exchange);
    const late = deadline && setTimeout(() => exchange.cancel(DEADLINE, new PluginError("deadline", `no answer within ${deadline} ms`)), deadline);
    const abort = () => exchange.cancel(CANCEL, new PluginError("cancelled", "cancelled", signal?.reason));
    signal?.addEventListener("abort", abort, { once: true });
    exchange.finally(() => signal?.removeEventListener("abort", abort));
    exchange.until = deadline ? performance.now() + deadline : 0;
    this.#push(frame);
    if (body) exchange.upload(body);
    try {
      return await exchange.answer;
    } finally {
      clearTimeout(late || undefined);
    }
  }

  /** Ends it; what is in flight fails. */
  close() {
    this.#die(new PluginError("closed", "the instance was closed"));
  }

  /** @param {PluginError} error */
  #die(error) {
    if (this.dead) return;
    this.dead = error;
    this.#exports = null;
    this.#queue = [];
    clearTimeout(this.#timer);
    for (const exchange of [...this.#open.values()]) exchange.fail(error);
    this.#open.clear();
    this.#settle.failed(error);
    this.#settle.closed(error);
  }

  /** Runs code of the guest; what it throws is its end. @param {() => void} run */
  #guarded(run) {
    this.#inside = true;
    try {
      run();
    } catch (error) {
      const message = this.#panic ?? /** @type {Error} */ (error).message;
      this.#die(error instanceof PluginError ? error : new PluginError("trap", `the plugin has crashed: ${message}`, error));
    }
    this.#inside = false;
  }

  /** @param {number} id @returns {Send} */
  #sender(id) {
    return (kind, flags, write) => this.#deliver(kind, flags, id, write);
  }

  /** @param {number} kind @param {number} flags @param {number} id @param {(out: Writer) => unknown} write */
  #deliver(kind, flags, id, write) {
    if (!this.dead) this.#push(encode(kind, flags, id, write, MAX_BATCH - HEADER));
  }

  /** Hands frames over, in batches; those that come up meanwhile follow. @param {Uint8Array} frame */
  #push(frame) {
    this.#queue.push(frame);
    if (this.#inside) return;
    while (this.#queue.length > 0) {
      let len = 0;
      let count = 0;
      while (count < this.#queue.length && len + this.#queue[count].length <= MAX_BATCH) len += this.#queue[count++].length;
      const frames = this.#queue.splice(0, count);
      this.#guarded(() => {
        const ptr = this.#exports.valor_alloc(len) >>> 0;
        check(ptr !== 0, "valor_alloc has no memory");
        const batch = this.#memory(ptr, len);
        let at = 0;
        for (const frame of frames) batch.set(frame, at), (at += frame.length);
        this.#exports.valor_receive(ptr, len);
      });
    }
  }

  /** Bytes of the guest. @param {number} ptr @param {number} len */
  #memory(ptr, len) {
    const { buffer } = this.#exports.memory;
    check((ptr >>> 0) + (len >>> 0) <= buffer.byteLength, "bytes beyond the end of its memory");
    return new Uint8Array(buffer, ptr >>> 0, len >>> 0);
  }

  /** `send`. @param {number} ptr @param {number} len */
  #received(ptr, len) {
    check(len >>> 0 <= MAX_BATCH, "a batch is too long");
    const batch = this.#memory(ptr, len).slice();
    const view = new DataView(batch.buffer);
    for (let at = 0; at < batch.length;) {
      check(batch.length - at >= HEADER, "a frame is cut off");
      const length = view.getUint32(at, true);
      const [kind, flags, reserved, id] = [batch[at + 4], batch[at + 5], view.getUint16(at + 6, true), view.getUint32(at + 8, true)];
      at += HEADER;
      check(length <= batch.length - at, "a frame is longer than its batch");
      const payload = batch.subarray(at, (at += length));
      if (kind >= SKIP) continue;
      const rule = GUEST.get(kind);
      check(rule !== undefined, `a frame of kind ${kind}`);
      const [known, max, exchange] = /** @type {[number, number, boolean]} */ (rule);
      check((flags & ~known) === 0 && reserved === 0, "a frame has unknown flags");
      check(length <= max, "a frame is longer than its kind may be");
      check((id !== 0) === exchange, "a frame has an id that its kind has not");
      this.#handle(kind, flags, id, new Reader(payload));
    }
  }

  /** @param {number} kind @param {number} flags @param {number} id @param {Reader} payload */
  #handle(kind, flags, id, payload) {
    const end = (flags & END) !== 0;
    switch (kind) {
      case CREATED: {
        check(this.#state === "creating", "a second CREATED");
        const reason = payload.rest();
        check(flags === FAILED || reason === "", "a payload is too long");
        if (flags === FAILED) throw new PluginError("create", `on_create failed: ${reason}`);
        this.#state = "created";
        return this.#settle.created();
      }
      case LOG: {
        const level = LEVELS[payload.u8()];
        check(level !== undefined, "a level of the log is unknown");
        const line = { level, target: payload.short(), message: payload.rest() };
        if (line.target === "panic") this.#panic = line.message;
        // Not here: it is the host's code, and may throw.
        return queueMicrotask(() => (this.#options.log ?? print)(line));
      }
      case WAKE: {
        const after = payload.u64();
        payload.done();
        clearTimeout(this.#timer);
        // A timer's longest is 2^31 ms; the guest asks again when it was called too early.
        const ms = Math.min(Math.ceil(Number(after) / 1e6), 0x7fff_ffff);
        if (after !== 0n) this.#timer = setTimeout(() => this.#deliver(WAKE, 0, 0, () => {}), ms);
        return;
      }
      case FETCH:
        return this.#outgoing(id, payload, end);
    }
    const exchange = this.#open.get(id);
    switch (kind) {
      case RESPONSE: {
        check(id < FETCHES && this.#state === "created", "a RESPONSE that nobody has asked for");
        const status = payload.u16();
        check(status >= 200 && status <= 599, "a status is not within 200 to 599");
        const headers = payload.fields();
        return exchange?.onResponse(status, headers, end);
      }
      case DATA:
        return exchange?.onData(payload.bytes, end);
      case RESET: {
        payload.u8();
        const reason = payload.rest();
        return exchange?.fail(new PluginError("failed", reason || "the handler gave no answer"));
      }
      case WINDOW: {
        const credit = payload.u32();
        payload.done();
        check(credit > 0 && credit <= MAX_WINDOW, "a credit is out of bounds");
        return exchange?.onWindow(credit);
      }
    }
  }

  /** FETCH. @param {number} id @param {Reader} payload @param {boolean} end */
  #outgoing(id, payload, end) {
    check(id >= FETCHES && !this.#open.has(id), "a fetch has a number that is open or not its own");
    check(this.#fetches < MAX_EXCHANGES, "too many fetches at once");
    const [parent, method, url, headers] = [this.#open.get(payload.u32()), payload.short(), payload.long(), payload.fields()];
    this.#fetches += 1;
    const exchange = new Exchange(this.#sender(id), () => {
      if (this.#open.delete(id)) this.#fetches -= 1;
    }, true);
    this.#open.set(id, exchange);
    const aborted = new AbortController();
    exchange.finally(() => aborted.abort());
    if (parent?.until) {
      const late = () => exchange.cancel(DEADLINE, new PluginError("deadline", "the deadline of the request has passed"));
      // The request's own timer goes first: else the handler could still answer with the failure of its fetch.
      const timer = setTimeout(late, Math.max(Math.ceil(parent.until - performance.now()), 0) + 1);
      exchange.finally(() => clearTimeout(timer));
    }
    const body = exchange.incoming(end);
    /** @type {RequestInit & { duplex?: "half" }} */
    const init = { method, headers, signal: aborted.signal, redirect: "manual", ...(body && { body, duplex: "half" }) };
    // Not within the guest's call: it is the host's code.
    queueMicrotask(async () => {
      try {
        const response = await (this.#options.fetch ?? globalThis.fetch)(url, init);
        if (exchange.over) return void response.body?.cancel().catch(() => {});
        this.#push(encode(RESPONSE, response.body ? 0 : END, id, (out) => out.u16(response.status).fields(response.headers), MAX_HEAD));
        if (response.body) exchange.upload(response.body);
        else exchange.close();
      } catch (error) {
        const { message, cause, code } = /** @type {any} */ (error);
        const reason = `${url}: ${message}${cause?.message ? `: ${cause.message}` : ""}`;
        exchange.cancel(code === "refused" ? REFUSED : UNREACHABLE, new PluginError("failed", reason));
      }
    });
  }
}

/** @typedef {(kind: number, flags: number, write: (out: Writer) => unknown) => void} Send */

/** One exchange, seen from here: a body comes from the guest, another goes to it. */
class Exchange {
  over = false;
  /** When its deadline is, or 0. */
  until = 0;
  /** @type {Promise<Answer>} of a request */
  answer;

  /** @type {((value: Answer) => void) | null} */ #resolve = null;
  /** @type {(error: Error) => void} */ #reject = () => {};
  /** @type {ReadableStreamDefaultController<Uint8Array> | null} */ #body = null;
  /** @type {(() => void)[]} */ #last = [];
  /** What the guest may still send, and what was taken and not given back. */
  #granted = INITIAL_WINDOW;
  #owed = 0;
  /** What we may still send, and who waits for more. */
  #credit = INITIAL_WINDOW;
  /** @type {(() => void) | null} */ #more = null;
  #ended = false;
  /** Whether a reader waits. */
  #wanted = false;
  /** @type {Uint8Array[]} */ #parts = [];
  /** @type {ReadableStreamDefaultReader<Uint8Array> | null} */ #source = null;

  /** @param {Send} send @param {() => void} forget @param {boolean} fetched whether the guest has asked */
  constructor(send, forget, fetched) {
    this.send = send;
    this.fetched = fetched;
    this.#last.push(forget);
    this.answer = new Promise((resolve, reject) => ([this.#resolve, this.#reject] = [resolve, reject]));
    this.answer.catch(() => {});
  }

  /** Calls `then` when it is over. @param {() => void} then */
  finally(then) {
    this.#last.push(then);
  }

  /** The guest's body, as a stream. @param {boolean} end @returns {ReadableStream<Uint8Array> | null} */
  incoming(end) {
    this.#ended = end;
    if (end) return null;
    return new ReadableStream({
      start: (controller) => void (this.#body = controller),
      pull: () => this.#give(),
      cancel: () => this.cancel(CANCEL, new PluginError("cancelled", "the body is not wanted")),
    }, { highWaterMark: 0 });
  }

  /** Gives the reader a part if it waits for one, and the guest credit for what was taken. */
  #give() {
    const body = this.#body;
    if (!body) return;
    const part = this.#parts.shift();
    this.#wanted = part === undefined;
    if (part) {
      this.#owed += part.length;
      body.enqueue(part);
      if (this.#owed >= INITIAL_WINDOW / 2 && !this.#ended && !this.over) {
        const owed = this.#owed;
        this.#owed = 0;
        this.#granted += owed;
        this.send(WINDOW, 0, (out) => out.u32(owed));
      }
    }
    if (this.#ended && this.#parts.length === 0) {
      this.#body = null;
      body.close();
    }
  }

  /** @param {number} status @param {Field[]} headers @param {boolean} end */
  onResponse(status, headers, end) {
    check(this.#resolve !== null, "a second RESPONSE");
    const resolve = /** @type {(value: Answer) => void} */ (this.#resolve);
    this.#resolve = null;
    resolve({ status, headers, body: this.incoming(end) });
    if (end) this.close();
  }

  /** @param {Uint8Array} part @param {boolean} end */
  onData(part, end) {
    check(this.#body !== null && !this.#ended, "DATA without a head, or after its END");
    check(part.length <= this.#granted, "DATA beyond its credit");
    this.#granted -= part.length;
    if (part.length > 0) this.#parts.push(part);
    this.#ended = end;
    if (end && !this.fetched) this.close();
    if (this.#wanted || (end && this.#parts.length === 0)) this.#give();
  }

  /** @param {number} credit */
  onWindow(credit) {
    this.#credit += credit;
    check(this.#credit <= MAX_WINDOW, "a credit is out of bounds");
    this.#more?.();
  }

  /** Sends a body to the guest, as it has room. @param {ReadableStream<Uint8Array> | Uint8Array} body */
  async upload(body) {
    try {
      if (body instanceof Uint8Array) return await this.#write(body, true);
      const source = (this.#source = body.getReader());
      for (;;) {
        const { done, value } = await source.read();
        if (this.over) return;
        if (done) return await this.#write(new Uint8Array(), true);
        if (!(value instanceof Uint8Array)) throw new TypeError("a part of the body is no Uint8Array");
        await this.#write(value, false);
      }
    } catch (error) {
      this.cancel(BROKEN, new PluginError("failed", `the body is incomplete: ${/** @type {Error} */ (error)?.message}`, error));
    }
  }

  /** @param {Uint8Array} bytes @param {boolean} end */
  async #write(bytes, end) {
    do {
      while (bytes.length > 0 && this.#credit === 0 && !this.over) {
        await new Promise((resolve) => (this.#more = () => resolve(undefined)));
      }
      if (this.over) return;
      const part = bytes.subarray(0, Math.min(this.#credit, MAX_DATA));
      bytes = bytes.subarray(part.length);
      this.#credit -= part.length;
      const last = end && bytes.length === 0;
      this.send(DATA, last ? END : 0, (out) => out.bytes(part));
      // The answer of a fetch is complete with it.
      if (last && this.fetched) this.close();
    } while (bytes.length > 0);
  }

  /** Tells the guest, and fails here. @param {number} code @param {PluginError} error */
  cancel(code, error) {
    if (this.over) return;
    const reason = cut(utf8.encode(error.message), MAX_REASON);
    this.fail(error);
    this.send(RESET, 0, (out) => out.u8(code).bytes(reason));
  }

  /** @param {PluginError} error */
  fail(error) {
    if (this.over) return;
    this.close(error);
    this.#reject(error);
    const body = this.#body;
    this.#body = null;
    body?.error(error);
  }

  /** @param {unknown} [reason] */
  close(reason) {
    if (this.over) return;
    this.over = true;
    this.#more?.();
    this.#source?.cancel(reason).catch(() => {});
    for (const then of this.#last) then();
  }
}

/** Writes a payload. */
class Writer {
  /** @type {Uint8Array} */ #bytes = new Uint8Array(256);
  #len = HEADER;

  /** @param {ArrayLike<number>} bytes */
  bytes(bytes) {
    if (this.#len + bytes.length > this.#bytes.length) {
      const larger = new Uint8Array(2 * (this.#len + bytes.length));
      larger.set(this.#bytes.subarray(0, this.#len));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#len);
    this.#len += bytes.length;
    return this;
  }

  /** @param {number} value */
  u8(value) {
    return this.bytes([value]);
  }

  /** @param {number} value */
  u16(value) {
    return this.bytes([value & 0xff, value >>> 8]);
  }

  /** @param {number} value */
  u32(value) {
    return this.bytes([value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24]);
  }

  /** @param {ArrayLike<number>} bytes */
  short(bytes) {
    if (bytes.length > 0xff) throw new PluginError("refused", "a method or header name is longer than 255 bytes");
    return this.u8(bytes.length).bytes(bytes);
  }

  /** @param {ArrayLike<number>} bytes */
  long(bytes) {
    if (bytes.length > 0xffff) throw new PluginError("refused", "a target or header value is longer than 65535 bytes");
    return this.u16(bytes.length).bytes(bytes);
  }

  /** @param {Iterable<Field>} fields */
  fields(fields) {
    const all = [...fields];
    if (all.length > MAX_FIELDS) throw new PluginError("refused", `more than ${MAX_FIELDS} header fields`);
    this.u16(all.length);
    for (const [name, value] of all) this.short(utf8.encode(name.toLowerCase())).long(latin1(value));
    return this;
  }

  /** @param {number} kind @param {number} flags @param {number} id @param {number} max */
  done(kind, flags, id, max) {
    const length = this.#len - HEADER;
    if (length > max) throw new PluginError("refused", `a head or message is longer than ${max} bytes`);
    const view = new DataView(this.#bytes.buffer);
    view.setUint32(0, length, true);
    view.setUint8(4, kind);
    view.setUint8(5, flags);
    view.setUint32(8, id, true);
    return this.#bytes.subarray(0, this.#len);
  }
}

/** @param {number} kind @param {number} flags @param {number} id @param {(out: Writer) => unknown} write @param {number} max */
function encode(kind, flags, id, write, max) {
  const out = new Writer();
  write(out);
  return out.done(kind, flags, id, max);
}

/** Reads a payload; what is not there is a violation. */
class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
  }

  /** @param {number} len */
  take(len) {
    check(len <= this.bytes.length, "a payload is cut off");
    const taken = this.bytes.subarray(0, len);
    this.bytes = this.bytes.subarray(len);
    return taken;
  }

  u8() {
    return this.take(1)[0];
  }

  u16() {
    const [a, b] = this.take(2);
    return a | (b << 8);
  }

  u32() {
    const [a, b, c, d] = this.take(4);
    return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
  }

  u64() {
    return BigInt(this.u32()) | (BigInt(this.u32()) << 32n);
  }

  short() {
    return decode(this.take(this.u8()));
  }

  long() {
    return decode(this.take(this.u16()));
  }

  rest() {
    return decode(this.take(this.bytes.length));
  }

  done() {
    check(this.bytes.length === 0, "a payload is too long");
  }

  /** @returns {Field[]} */
  fields() {
    const count = this.u16();
    check(count <= MAX_FIELDS, "a head has too many fields");
    /** @type {Field[]} */
    const fields = [];
    for (let i = 0; i < count; i++) {
      const name = this.short();
      const value = String.fromCharCode(...this.take(this.u16()));
      check(/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name), "a header name is no token in lower case");
      check(!/[\0-\x08\x0a-\x1f\x7f]/.test(value), `the value of header ${name} has control characters`);
      fields.push([name, value]);
    }
    this.done();
    return fields;
  }
}

/** @param {Uint8Array} bytes */
function decode(bytes) {
  try {
    return text.decode(bytes);
  } catch {
    check(false, "a text is not UTF-8");
  }
}

/** @param {string} value */
function latin1(value) {
  return Array.from(value, (c) => {
    const code = c.charCodeAt(0);
    if (c.length > 1 || code > 0xff) throw new PluginError("refused", "a header value has characters beyond Latin-1");
    return code;
  });
}

/** As much of a text as fits. @param {Uint8Array} bytes @param {number} max */
function cut(bytes, max) {
  if (bytes.length <= max) return bytes;
  while ((bytes[max] & 0xc0) === 0x80) max--;
  return bytes.subarray(0, max);
}

/** `now`, in nanoseconds. @param {number} clock */
function now(clock) {
  check(clock === 0 || clock === 1, `there is no clock ${clock}`);
  return clock === 0 ? BigInt(Date.now()) * 1_000_000n : BigInt(Math.floor(performance.now() * 1e6));
}

/** @param {Line} line */
function print({ level, target, message }) {
  console[level === "trace" ? "debug" : level](`${target}: ${message}`);
}
