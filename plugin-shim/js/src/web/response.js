// Response (Fetch standard, section 5.5).
import { CONTENT, contentIn, extract, isBody, TEXT } from "valor:body";
import { frozen, Headers, headersOf, linesOf } from "valor:headers";
import { URL } from "valor:url";

/** Statuses that have no body. */
const NULL_BODY = [101, 103, 204, 205, 304];
const REDIRECTS = [301, 302, 303, 307, 308];
const MADE = Symbol();
const NONE = Object.freeze({});
/** What most responses have in common. */
const PLAIN = { statusText: "", type: "default", url: "" };
const TYPE = "content-type";

/** Slots of a response; the first is that of its content. */
export const STATUS = 1;
const HEADERS = 2;
/** The header fields until somebody asks for them, a line each: the content type, if any. */
const LINES = 3;
const MORE = 4;

const JSON_LINES = `${TYPE}\napplication/json`;
const TEXT_LINES = `${TYPE}\n${TEXT}`;

/** The slots of a response, `null` of anything else. */
export let slotsIn;

export class Response {
  #slots;

  static {
    slotsIn = (value) => (typeof value === "object" && value !== null && #slots in value ? value.#slots : null);
  }

  constructor(body = null, init = NONE) {
    if (init === MADE) {
      this.#slots = body;
      return;
    }
    const isText = typeof body === "string";
    const slots = (this.#slots = [isText ? body : null, 200, null, isText ? TEXT_LINES : "", PLAIN]);
    if (init !== NONE && init !== null) read(slots, init);
    if (body === null || (isText && slots[STATUS] === 200 && slots[HEADERS] === null)) return;
    const { content, type } = isText ? { content: body, type: TEXT } : extract(body);
    if (content === null) return;
    if (NULL_BODY.includes(slots[STATUS])) throw new TypeError(`Response: a status of ${slots[STATUS]} has no body`);
    slots[CONTENT] = content;
    if (type === null) return;
    if (slots[HEADERS] === null) slots[LINES] = `${TYPE}\n${type}`;
    else if (!slots[HEADERS].has(TYPE)) slots[HEADERS].set(TYPE, type);
  }

  get status() { return this.#slots[STATUS]; }
  get ok() { return this.status >= 200 && this.status < 300; }
  get statusText() { return this.#slots[MORE].statusText; }
  get headers() { return (this.#slots[HEADERS] ??= headersOf(this.#slots[LINES], false)); }
  get type() { return this.#slots[MORE].type; }
  get url() { return this.#slots[MORE].url; }
  get redirected() { return false; }

  clone() {
    const copy = this.#slots.slice();
    copy[CONTENT] = contentIn(this.#slots)?.clone() ?? null;
    copy[HEADERS] = new Headers(this.headers);
    return new Response(copy, MADE);
  }

  static error() { return new Response([null, 0, frozen(new Headers()), "", { ...PLAIN, type: "error" }], MADE); }
  static json(data, init = NONE) {
    const content = JSON.stringify(data);
    if (content === undefined) throw new TypeError("Response.json: the value is not JSON");
    if (init === NONE) return new Response([content, 200, null, JSON_LINES, PLAIN], MADE);
    const headers = new Headers(init?.headers);
    if (!headers.has(TYPE)) headers.set(TYPE, "application/json");
    return new Response(content, { ...init, headers });
  }
  static redirect(url, status = 302) {
    const location = new URL(url, "http://localhost").href;
    if (!REDIRECTS.includes(Number(status))) throw new RangeError(`Response.redirect: ${String(status)} is no status of a redirect`);
    const target = /^\/(?!\/)/.test(String(url)) ? String(url) : location;
    const headers = frozen(new Headers({ location: target }));
    return new Response([null, Number(status), headers, "", PLAIN], MADE);
  }
  get [Symbol.toStringTag]() { return "Response"; }
}

function read(slots, init) {
  if (init.status !== undefined) {
    const status = Math.trunc(Number(init.status));
    if (!(status >= 200 && status <= 599)) throw new RangeError(`Response: the status ${String(init.status)} is not within 200 to 599`);
    slots[STATUS] = status;
  }
  if (init.statusText !== undefined) {
    const statusText = String(init.statusText);
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(statusText)) throw new TypeError("Response: the status text is invalid");
    slots[MORE] = { ...PLAIN, statusText };
  }
  if (init.headers !== undefined) slots[HEADERS] = new Headers(init.headers);
}

/** The answer to a fetch. */
export function fetched(status, lines, url, content) {
  const more = { statusText: "", type: "basic", url };
  const body = NULL_BODY.includes(status) ? null : content;
  return new Response([body, status, headersOf(lines, true), "", more], MADE);
}

/** What is sent of a response, of its slots: its header fields, a line each. */
export const linesIn = (slots) => (slots[HEADERS] === null ? slots[LINES] : linesOf(slots[HEADERS]));

/** The content of a response. */
export const contentOf = (response) => contentIn(slotsIn(response));

isBody(new Response(), slotsIn);
