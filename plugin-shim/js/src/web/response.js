// Response (Fetch standard, section 5.5).
import host from "valor:host";
import { Body, contentOf, extract, setContent } from "valor:body";
import { frozen, Headers, headersOf } from "valor:headers";
import { URL } from "valor:url";

/** Statuses that have no body. */
const NULL_BODY = [101, 103, 204, 205, 304];
const REDIRECTS = [301, 302, 303, 307, 308];
const FETCHED = Symbol();

export class Response extends Body {
  #status = 200;
  #statusText = "";
  #headers;
  #type = "default";
  #url = "";

  constructor(body = null, init = {}) {
    super();
    if (body === FETCHED) {
      ({ status: this.#status, headers: this.#headers, type: this.#type, url: this.#url = "", statusText: this.#statusText = "" } = init);
      setContent(this, init.content ?? null);
      return;
    }
    init ??= {};
    if (init.status !== undefined) {
      const status = Math.trunc(Number(init.status));
      if (!(status >= 200 && status <= 599)) throw new RangeError(`Response: the status ${String(init.status)} is not within 200 to 599`);
      this.#status = status;
    }
    if (init.statusText !== undefined) {
      this.#statusText = String(init.statusText);
      if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(this.#statusText)) throw new TypeError("Response: the status text is invalid");
    }
    this.#headers = new Headers(init.headers);
    const { content, type } = extract(body);
    if (content === null) return;
    if (NULL_BODY.includes(this.#status)) throw new TypeError(`Response: a status of ${this.#status} has no body`);
    setContent(this, content);
    if (type !== null && !this.#headers.has("content-type")) this.#headers.set("content-type", type);
  }

  get status() { return this.#status; }
  get ok() { return this.#status >= 200 && this.#status < 300; }
  get statusText() { return this.#statusText; }
  get headers() { return this.#headers; }
  get type() { return this.#type; }
  get url() { return this.#url; }
  get redirected() { return false; }

  clone() {
    const content = contentOf(this)?.clone() ?? null;
    const [status, statusText, type, url] = [this.#status, this.#statusText, this.#type, this.#url];
    return new Response(FETCHED, { status, statusText, type, url, headers: new Headers(this.#headers), content });
  }

  static error() { return new Response(FETCHED, { status: 0, headers: frozen(new Headers()), type: "error" }); }
  static json(data, init = {}) {
    const text = JSON.stringify(data);
    if (text === undefined) throw new TypeError("Response.json: the value is not JSON");
    const headers = new Headers(init?.headers);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    return new Response(host.encode(text), { ...init, headers });
  }
  static redirect(url, status = 302) {
    const location = new URL(url, "http://localhost").href;
    if (!REDIRECTS.includes(Number(status))) throw new RangeError(`Response.redirect: ${String(status)} is no status of a redirect`);
    const target = /^\/(?!\/)/.test(String(url)) ? String(url) : location;
    const headers = frozen(new Headers({ location: target }));
    return new Response(FETCHED, { status: Number(status), headers, type: "default" });
  }
  get [Symbol.toStringTag]() { return "Response"; }
}

/** The answer to a fetch. */
export function fetched(status, fields, url, content) {
  const headers = headersOf(fields, true);
  return new Response(FETCHED, { status, headers, type: "basic", url, content: NULL_BODY.includes(status) ? null : content });
}
