// Request (Fetch standard, section 5.4).
import { AbortController, AbortSignal } from "valor:abort";
import { Body, contentOf, extract, setContent } from "valor:body";
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

let internals;

export class Request extends Body {
  #method;
  #url;
  #target;
  #headers;
  #signal;
  #options = {};

  static {
    internals = { target: (request) => request.#target };
    for (const [name, [fallback]] of Object.entries(OPTIONS)) {
      const get = function () { return this.#options[name] ?? fallback; };
      Object.defineProperty(this.prototype, name, { configurable: true, enumerable: true, get });
    }
  }

  constructor(input, init = {}) {
    if (arguments.length === 0) throw new TypeError("Request: takes a URL or a Request");
    super();
    if (input === INCOMING) {
      [this.#method, this.#url, this.#headers, this.#signal] = [init.method, init.url, init.headers, init.signal];
      this.#target = init.url;
      setContent(this, init.content);
      return;
    }
    init ??= {};
    const from = input instanceof Request ? input : null;
    this.#locate(input, from);
    this.#method = init.method === undefined ? (from?.#method ?? "GET") : normal(String(init.method));
    this.#headers = new Headers(init.headers ?? from?.#headers);
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
  get url() { return this.#url; }
  get headers() { return this.#headers; }
  get signal() { return (this.#signal ??= new AbortController().signal); }
  get destination() { return ""; }
  get duplex() { return "half"; }
  get keepalive() { return this.#options.keepalive ?? false; }

  clone() {
    const content = contentOf(this)?.clone() ?? null;
    const headers = new Headers(this.#headers);
    const signal = follow(this.signal);
    const copy = new Request(INCOMING, { method: this.#method, url: this.#url, headers, signal, content });
    copy.#target = this.#target;
    copy.#options = this.#options;
    return copy;
  }
  get [Symbol.toStringTag]() { return "Request"; }

  #locate(input, from) {
    if (from !== null) {
      [this.#url, this.#target] = [from.#url, from.#target];
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

/** A client's request. */
export const incoming = (method, url, fields, content, signal) =>
  new Request(INCOMING, { method, url, headers: headersOf(fields, true), content, signal });

/** What valord is asked for: a URL without its fragment, or a path. */
export const targetOf = (request) => internals.target(request);
