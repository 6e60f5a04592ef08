// Requests as authors get them. To make a Request takes longer than all else that is done for one, so it is made when more is asked for than
// its method, URL and signal.
const Native = globalThis.Request;
const ORDINARY = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]);

export class Incoming {
  #exchange;
  #method;
  #bare;
  /** Target, and names and values by turns, a line each. */
  #lines;
  #url = null;
  #client = null;
  #made = null;

  constructor(exchange, method, bare, lines) {
    this.#exchange = exchange;
    this.#method = method;
    this.#bare = bare;
    this.#lines = lines;
  }

  static is(value) { return typeof value === "object" && value !== null && #lines in value; }

  /** The Request that everybody else knows. */
  static made(request) {
    if (request.#made === null) {
      const init = { method: request.#method, headers: request.#fields() };
      const body = request.#bare ? null : { body: request.#exchange.stream(), duplex: "half" };
      request.#made = new Native(request.url, { ...init, ...body });
    }
    return request.#made;
  }

  get method() { return ORDINARY.has(this.#method) ? this.#method : Incoming.made(this).method; }

  /** What the client has asked for, as far as it is known: of its path and query, and what goes over its header fields. */
  get url() {
    if (this.#url === null) {
      const fields = this.#fields();
      const field = (wanted) => fields.find(([name]) => name === wanted)?.[1];
      const scheme = field("x-forwarded-proto")?.toLowerCase() === "https" ? "https" : "http";
      const [line] = this.#lines;
      const target = line.startsWith("/") ? line : "/";
      const hosts = [field("host") ?? "localhost", "localhost"];
      const url = hosts.map((host) => URL.parse(`${scheme}://${host}${target}`)).find((url) => url !== null);
      this.#url = url?.href ?? "http://localhost/";
    }
    return this.#url;
  }

  get signal() {
    if (this.#client === null) {
      this.#client = new AbortController();
      const abort = (error) => this.#client.abort(new DOMException(error.message, "AbortError"));
      if (this.#exchange.failure === null) this.#exchange.whenCancelled(abort);
      else abort(this.#exchange.failure);
    }
    return this.#client.signal;
  }

  clone() { return new Native(Incoming.made(this).clone(), { signal: this.signal }); }

  #fields() {
    if (typeof this.#lines === "string") this.#lines = this.#lines.split("\n");
    const fields = [];
    for (let at = 1; at + 1 < this.#lines.length; at += 2) fields.push([this.#lines[at], this.#lines[at + 1]]);
    return fields;
  }
}

/** All else is that Request's. */
const prototype = Incoming.prototype;
delete prototype.constructor;
Object.setPrototypeOf(prototype, Native.prototype);
for (const key of Reflect.ownKeys(Native.prototype)) {
  const { get, value, enumerable } = Object.getOwnPropertyDescriptor(Native.prototype, key);
  if (Object.hasOwn(prototype, key) || key === "constructor" || (get === undefined && typeof value !== "function")) continue;
  const whose = get === undefined
    ? { value(...rest) { return value.apply(Incoming.made(this), rest); }, writable: true }
    : { get() { return get.call(Incoming.made(this)); } };
  Object.defineProperty(prototype, key, { ...whose, enumerable, configurable: true });
}

/** `new Request(request)` takes such a request, too, and is aborted with it. */
export function installRequest() {
  const Request = new Proxy(Native, {
    construct(target, args, newTarget) {
      const [input, init] = args;
      let all = args;
      if (Incoming.is(input)) {
        const made = Incoming.made(input);
        if (init === undefined) all = [made, { signal: input.signal }];
        else if (init.signal === undefined) all = [new Native(made, init), { signal: input.signal }];
        else all = [made, init];
      }
      return Reflect.construct(target, all, newTarget === Request ? target : newTarget);
    },
  });
  Object.defineProperty(Native.prototype, "constructor", { value: Request, writable: true, configurable: true });
  Object.defineProperty(globalThis, "Request", { value: Request, writable: true, configurable: true });
}
