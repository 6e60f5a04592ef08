// Response (Fetch standard, section 5.5).
import { Body, contentOf, extract, setContent, TEXT, textOrContentOf } from "valor:body";
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

/** Whether it is one. */
export let isResponse;
/** What is sent of a response: its header fields, a line each. */
export let headOf;

export class Response extends Body {
  #status = 200;
  /** Until somebody asks for the headers, there is only the content type, if any. */
  #headers = null;
  #contentType = null;
  #more = PLAIN;

  static {
    isResponse = (value) => typeof value === "object" && value !== null && #status in value;
    headOf = (response) => {
      if (response.#headers !== null) return linesOf(response.#headers);
      return response.#contentType === null ? "" : `${TYPE}\n${response.#contentType}`;
    };
  }

  constructor(body = null, init = NONE) {
    const isText = typeof body === "string";
    super(isText ? body : null);
    if (body === MADE) {
      this.#status = init.status;
      this.#headers = init.headers ?? null;
      this.#contentType = init.contentType ?? null;
      this.#more = init.more ?? PLAIN;
      setContent(this, init.content ?? null);
      return;
    }
    if (init !== NONE) this.#read(init ?? NONE);
    if (body === null) return;
    const { content, type } = isText ? { content: body, type: TEXT } : extract(body);
    if (content === null) return;
    if (this.#status !== 200 && NULL_BODY.includes(this.#status)) {
      throw new TypeError(`Response: a status of ${this.#status} has no body`);
    }
    setContent(this, content);
    if (this.#headers === null) this.#contentType = type;
    else if (type !== null && !this.#headers.has(TYPE)) this.#headers.set(TYPE, type);
  }

  #read(init) {
    if (init.status !== undefined) {
      const status = Math.trunc(Number(init.status));
      if (!(status >= 200 && status <= 599)) throw new RangeError(`Response: the status ${String(init.status)} is not within 200 to 599`);
      this.#status = status;
    }
    if (init.statusText !== undefined) {
      const statusText = String(init.statusText);
      if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(statusText)) throw new TypeError("Response: the status text is invalid");
      this.#more = { ...PLAIN, statusText };
    }
    if (init.headers !== undefined) this.#headers = new Headers(init.headers);
  }

  get status() { return this.#status; }
  get ok() { return this.#status >= 200 && this.#status < 300; }
  get statusText() { return this.#more.statusText; }
  get headers() { return (this.#headers ??= headersOf(headOf(this), false)); }
  get type() { return this.#more.type; }
  get url() { return this.#more.url; }
  get redirected() { return false; }

  clone() {
    const content = contentOf(this)?.clone() ?? null;
    return new Response(MADE, { status: this.#status, more: this.#more, headers: new Headers(this.headers), content });
  }

  static error() {
    return new Response(MADE, { status: 0, headers: frozen(new Headers()), more: { ...PLAIN, type: "error" } });
  }
  static json(data, init = NONE) {
    const content = JSON.stringify(data);
    if (content === undefined) throw new TypeError("Response.json: the value is not JSON");
    if (init === NONE) return new Response(MADE, { status: 200, contentType: "application/json", content });
    const headers = new Headers(init?.headers);
    if (!headers.has(TYPE)) headers.set(TYPE, "application/json");
    return new Response(content, { ...init, headers });
  }
  static redirect(url, status = 302) {
    const location = new URL(url, "http://localhost").href;
    if (!REDIRECTS.includes(Number(status))) throw new RangeError(`Response.redirect: ${String(status)} is no status of a redirect`);
    const target = /^\/(?!\/)/.test(String(url)) ? String(url) : location;
    const headers = frozen(new Headers({ location: target }));
    return new Response(MADE, { status: Number(status), headers });
  }
  get [Symbol.toStringTag]() { return "Response"; }
}

/** The answer to a fetch. */
export function fetched(status, lines, url, content) {
  const headers = headersOf(lines, true);
  const more = { statusText: "", type: "basic", url };
  return new Response(MADE, { status, headers, more, content: NULL_BODY.includes(status) ? null : content });
}
