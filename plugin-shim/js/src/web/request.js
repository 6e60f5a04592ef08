// Request (Fetch standard, section 5.4).
import host from "valor:host";
import { AbortController, AbortSignal } from "valor:abort";
import { CONTENT, contentIn, extract, isBody } from "valor:body";
import { ANSWER, EXCHANGE, Exchange, exchangeIn } from "valor:exchange";
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

/** Slots of a request, beside those of its content and its exchange. */
export const METHOD = 2;
/** Of a client's request, until somebody asks for more: its target and header fields, a line each. */
const HEAD = 3;
const HREF = 4;
const HEADERS = 5;
const SIGNAL = 6;
const SETTINGS = 7;
/** What valord is asked for, where that is not the URL. */
const TARGET = 8;

let slotsOf;

export class Request {
  #slots;

  static {
    slotsOf = (request) => request.#slots;
    for (const [name, [fallback]] of Object.entries(OPTIONS)) {
      const get = function () { return this.#slots[SETTINGS][name] ?? fallback; };
      Object.defineProperty(this.prototype, name, { configurable: true, enumerable: true, get });
    }
  }

  constructor(input, init = NONE) {
    if (init === INCOMING) {
      this.#slots = input;
      return;
    }
    if (input === undefined) throw new TypeError("Request: takes a URL or a Request");
    init ??= NONE;
    const slots = (this.#slots = [null, null, "GET", null, null, null, null, NONE, null]);
    const from = input instanceof Request ? input : null;
    locate(slots, input, from);
    if (init.method !== undefined) slots[METHOD] = normal(String(init.method));
    else if (from !== null) slots[METHOD] = from.method;
    slots[HEADERS] = new Headers(init.headers ?? from?.headers);
    slots[SIGNAL] = follow(init.signal === undefined ? from?.signal : init.signal);
    const settings = (slots[SETTINGS] = { ...from?.#slots[SETTINGS] });
    for (const [name, allowed] of Object.entries(OPTIONS)) {
      if (init[name] === undefined) continue;
      const value = String(init[name]);
      if (allowed.length > 1 && !allowed.includes(value)) {
        throw new TypeError(`Request: ${name} cannot be ${JSON.stringify(value)}`);
      }
      settings[name] = value;
    }
    settings.keepalive = Boolean(init.keepalive ?? from?.keepalive);
    fill(slots, init.body, from);
  }

  get method() { return this.#slots[METHOD]; }
  get url() { return (this.#slots[HREF] ??= host.url(this.#slots[HEAD])); }
  get headers() {
    const slots = this.#slots;
    return (slots[HEADERS] ??= headersOf(slots[HEAD].slice(slots[HEAD].indexOf("\n") + 1), true));
  }
  get signal() {
    const slots = this.#slots;
    if (slots[SIGNAL] === null) {
      const client = new AbortController();
      slots[SIGNAL] = client.signal;
      exchangeIn(slots)?.whenCancelled((error) => client.abort(new DOMException(error.message, "AbortError")));
    }
    return slots[SIGNAL];
  }
  get destination() { return ""; }
  get duplex() { return "half"; }
  get keepalive() { return this.#slots[SETTINGS].keepalive ?? false; }

  clone() {
    const copy = this.#slots.slice();
    copy[CONTENT] = contentIn(this.#slots)?.clone() ?? null;
    copy[HEADERS] = new Headers(this.headers);
    copy[SIGNAL] = follow(this.signal);
    copy[EXCHANGE] = null;
    return new Request(copy, INCOMING);
  }
  get [Symbol.toStringTag]() { return "Request"; }
}

function locate(slots, input, from) {
  if (from !== null) {
    slots[HREF] = from.url;
    slots[TARGET] = slotsOf(from)[TARGET];
    return;
  }
  const text = String(input);
  const isPath = text.startsWith("/") && !text.startsWith("//");
  const url = new URL(text, isPath ? HERE : undefined);
  if (url.username !== "" || url.password !== "") {
    throw new TypeError("Request: a URL with a user name or a password is not fetched");
  }
  slots[HREF] = url.href;
  slots[TARGET] = isPath ? url.pathname + url.search : url.href.replace(/#.*$/s, "");
}

function fill(slots, body, from) {
  const inherited = body === undefined && from !== null ? contentIn(slotsOf(from)) : null;
  const given = body !== undefined && body !== null;
  if ((given || inherited !== null) && ["GET", "HEAD"].includes(slots[METHOD])) {
    throw new TypeError(`Request: a ${slots[METHOD]} request has no body`);
  }
  if (inherited !== null) slots[CONTENT] = inherited.take();
  if (!given) return;
  const { content, type } = extract(body);
  slots[CONTENT] = content;
  if (type !== null && !slots[HEADERS].has("content-type")) slots[HEADERS].set("content-type", type);
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

/** The slots of a client's request: `head` is its target and its header fields, a line each. */
export function incoming(id, method, head, end) {
  const exchange = end ? id : new Exchange(id, ANSWER);
  const content = end ? null : exchange.content();
  return [content, exchange, method, head, null, null, null, NONE, null];
}

export const requestOf = (slots) => new Request(slots, INCOMING);

/** What valord is asked for: a URL without its fragment, or a path. */
export const targetOf = (request) => slotsOf(request)[TARGET] ?? request.url;

/** What is sent with a request. */
export const uploadOf = (request) => contentIn(slotsOf(request));

isBody(requestOf(incoming(0, "GET", "/\n", true)), slotsOf);
