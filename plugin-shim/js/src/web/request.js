// Request (Fetch standard, section 5.4).
import host from "valor:host";
import { AbortController, AbortSignal } from "valor:abort";
import { Body, contentOf, extract, setContent } from "valor:body";
import { Exchange } from "valor:exchange";
import { Headers, headersOf } from "valor:headers";
import { URL } from "valor:url";

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Methods that are the same in any case. */
const NORMAL = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];
/** Where paths belong: to the plugins of the same valord. */
const HERE = "http://localhost";
/** Members with the values that they may have, the first being the default. */
const OPTIONS = {
  cache: ["default", "no-store", "reload", "no-cache", "force-cache", "only-if-cached"],
  credentials: ["same-origin", "omit", "include"],
  mode: ["cors", "no-cors", "same-origin", "navigate"],
  redirect: ["follow", "error", "manual"],
  integrity: [""],
  referrer: ["about:client"],
  referrerPolicy: [""],
};
const INCOMING = Symbol();
const NONE = Object.freeze({});

let internals;

export class Request extends Body {
  #method;
  /** Of a client's request, until somebody asks for more: its target and header fields, a line each. */
  #head = null;
  #url = null;
  /** What valord is asked for, where that is not the URL. */
  #target = null;
  #headers = null;
  /** Of a client's request, until somebody asks for the signal: its exchange. */
  #signal = null;
  #options = NONE;

  static {
    internals = { target: (request) => request.#target ?? request.url };
    for (const [name, [fallback]] of Object.entries(OPTIONS)) {
      const get = function () { return this.#options[name] ?? fallback; };
      Object.defineProperty(this.prototype, name, { configurable: true, enumerable: true, get });
    }
  }

  constructor(input, init = NONE) {
    if (input === undefined) throw new TypeError("Request: takes a URL or a Request");
    if (input === INCOMING) {
      super(init.content);
      this.#method = init.method;
      this.#head = init.head;
      this.#signal = init.exchange;
      return;
    }
    super(null);
    init ??= NONE;
    const from = input instanceof Request ? input : null;
    this.#locate(input, from);
    this.#method = init.method === undefined ? (from?.#method ?? "GET") : normal(String(init.method));
    this.#headers = new Headers(init.headers ?? from?.headers);
    this.#signal = follow(init.signal === undefined ? from?.signal : init.signal);
    this.#options = { ...from?.#options };
    for (const [name, allowed] of Object.entries(OPTIONS)) {
      if (init[name] === undefined) continue;
      const value = String(init[name]);
      if (allowed.length > 1 && !allowed.includes(value)) {
        throw new TypeError(`Request: ${name} cannot be ${JSON.stringify(value)}`);
      }
      this.#options[name] = value;
    }
    this.#options.keepalive = Boolean(init.keepalive ?? from?.keepalive);
    this.#fill(init.body, from);
  }

  get method() { return this.#method; }
  get url() { return (this.#url ??= host.url(this.#head)); }
  get headers() { return (this.#headers ??= headersOf(this.#head.slice(this.#head.indexOf("\n") + 1), true)); }
  get signal() {
    const signal = this.#signal;
    if (signal === null || signal instanceof Exchange) {
      const client = new AbortController();
      signal?.whenCancelled((error) => client.abort(new DOMException(error.message, "AbortError")));
      this.#signal = client.signal;
    }
    return this.#signal;
  }
  get destination() { return ""; }
  get duplex() { return "half"; }
  get keepalive() { return this.#options.keepalive ?? false; }

  clone() {
    const content = contentOf(this)?.clone() ?? null;
    const copy = new Request(INCOMING, { method: this.#method, head: this.#head, exchange: null, content });
    copy.#signal = follow(this.signal);
    copy.#headers = new Headers(this.headers);
    copy.#url = this.#url;
    copy.#target = this.#target;
    copy.#options = this.#options;
    return copy;
  }
  get [Symbol.toStringTag]() { return "Request"; }

  #locate(input, from) {
    if (from !== null) {
      [this.#url, this.#target] = [from.url, from.#target];
      return;
    }
    const text = String(input);
    const isPath = text.startsWith("/") && !text.startsWith("//");
    const url = new URL(text, isPath ? HERE : undefined);
    if (url.username !== "" || url.password !== "") {
      throw new TypeError("Request: a URL with a user name or a password is not fetched");
    }
    this.#url = url.href;
    this.#target = isPath ? url.pathname + url.search : url.href.replace(/#.*$/s, "");
  }

  #fill(body, from) {
    const inherited = body === undefined && from !== null ? contentOf(from) : null;
    const given = body !== undefined && body !== null;
    if ((given || inherited !== null) && ["GET", "HEAD"].includes(this.#method)) {
      throw new TypeError(`Request: a ${this.#method} request has no body`);
    }
    if (inherited !== null) setContent(this, inherited.take());
    if (!given) return;
    const { content, type } = extract(body);
    setContent(this, content);
    if (type !== null && !this.#headers.has("content-type")) this.#headers.set("content-type", type);
  }
}

function normal(method) {
  if (!TOKEN.test(method)) throw new TypeError(`Request: ${JSON.stringify(method)} is no method`);
  const upper = method.toUpperCase();
  if (["CONNECT", "TRACE", "TRACK"].includes(upper)) throw new TypeError(`Request: the method ${upper} is forbidden`);
  return NORMAL.includes(upper) ? upper : method;
}

function follow(signal) {
  if (signal === undefined || signal === null) return null;
  if (!(signal instanceof AbortSignal)) throw new TypeError("Request: the signal is no AbortSignal");
  return AbortSignal.any([signal]);
}

/** A client's request: `head` is its target and its header fields, a line each. */
export const incoming = (exchange, method, head, content) => new Request(INCOMING, { method, head, exchange, content });

/** What valord is asked for: a URL without its fragment, or a path. */
export const targetOf = (request) => internals.target(request);
