// Bodies of requests and responses (Fetch standard, section 5.2).
import host from "valor:host";
import { Blob, blobOf, bytesOfBlob } from "valor:blob";
import { bytesOf, concat, copyOf, isBytes } from "valor:bytes";
import { decodeForm, encodeForm, FormData } from "valor:form";
import { isDisturbed, ReadableStream, TransformStream } from "valor:streams";
import { URLSearchParams } from "valor:url";

/**
 * A body is bytes that are there, or a source of them: `{ stream(), all() }`, of which one is called, once. The stream is made
 * when somebody asks for it.
 */
export class Content {
  bytes;
  source;
  stream = null;
  used = false;

  constructor(bytes, source = null) {
    this.bytes = bytes;
    this.source = source;
  }

  /** As a stream. */
  asStream() {
    if (this.stream === null) {
      this.stream = this.source ? this.source.stream() : blobOf(this.bytes, "").stream();
      this.source = null;
      this.bytes = null;
      if (this.used) this.stream.getReader();
    }
    return this.stream;
  }

  isUsable() { return !this.used && !this.stream?.locked && !this.isDisturbed(); }
  isDisturbed() { return this.used || isDisturbed(this.stream); }

  /** Takes everything. */
  async all() {
    if (!this.isUsable()) throw new TypeError("the body was read already, or is locked");
    this.used = true;
    if (this.stream !== null) return drain(this.stream);
    return this.source ? this.source.all() : this.bytes;
  }

  /** The same content for another owner; this one counts as read. */
  take() {
    if (!this.isUsable()) throw new TypeError("the body was read already, or is locked");
    const taken = new Content(this.bytes, this.source);
    // What was a stream becomes another's through a pipe, so that this one is locked.
    if (this.stream !== null) taken.stream = this.stream.pipeThrough(new TransformStream());
    this.used = true;
    return taken;
  }

  /** A second one with the same bytes. */
  clone() {
    if (!this.isUsable()) throw new TypeError("clone: the body was read already, or is locked");
    if (this.bytes !== null) return new Content(this.bytes);
    const [mine, theirs] = this.asStream().tee();
    this.stream = mine;
    return fromStream(theirs);
  }
}

function fromStream(stream) {
  const content = new Content(null);
  content.stream = stream;
  return content;
}

async function drain(stream) {
  const reader = stream.getReader();
  const parts = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return parts.length === 0 ? new Uint8Array() : concat(parts);
    if (!(value instanceof Uint8Array)) {
      const error = new TypeError("a chunk of the body is no Uint8Array");
      reader.cancel(error).catch(() => {});
      throw error;
    }
    parts.push(value);
  }
}

/** The content type of text. */
export const TEXT = "text/plain;charset=UTF-8";

/** What was given as a body: its content, or its text, and the content type that goes with it. */
export function extract(body) {
  if (body === null || body === undefined) return { content: null, type: null };
  if (body instanceof ReadableStream) {
    if (body.locked || isDisturbed(body)) throw new TypeError("the body is a stream that was read already, or is locked");
    return { content: fromStream(body), type: null };
  }
  const bytes = (b, type) => ({ content: new Content(b), type });
  if (body instanceof Blob) return bytes(bytesOfBlob(body), body.type || null);
  if (isBytes(body)) return bytes(copyOf(bytesOf(body, "body")), null);
  if (body instanceof FormData) {
    const form = encodeForm(body);
    return bytes(form.bytes, form.type);
  }
  const text = String(body);
  return { content: text, type: body instanceof URLSearchParams ? "application/x-www-form-urlencoded;charset=UTF-8" : TEXT };
}

/**
 * What a Request or a Response is made of is one array, its slots, of which the first is its content: a Content, text that nobody has
 * wanted more of than to send it, or `null`. This engine makes an array at once, but an object of many fields one field after the other.
 */
export const CONTENT = 0;

/** The content in `slots`, `null` for none. */
export function contentIn(slots) {
  if (typeof slots[CONTENT] === "string") slots[CONTENT] = new Content(host.encode(slots[CONTENT]));
  return slots[CONTENT];
}

/** The shapes of objects that are made for each request, kept alive: they would be made with each of them. */
const shapes = [];

/** Gives a class what Request and Response have in common; `one` of it has the slots that `slotsOf` finds. */
export function isBody(one, slotsOf) {
  const content = (body) => contentIn(slotsOf(body));
  const all = async (body) => content(body)?.all() ?? new Uint8Array();
  class Body {
    get body() { return content(this)?.asStream() ?? null; }
    get bodyUsed() { return content(this)?.isDisturbed() ?? false; }
    async arrayBuffer() { return (await this.bytes()).buffer; }
    async bytes() { return copyOf(await all(this)); }
    async blob() { return blobOf(copyOf(await all(this)), this.headers.get("content-type") ?? ""); }
    async formData() { return decodeForm(await all(this), this.headers.get("content-type")); }
    async json() { return JSON.parse(await this.text()); }
    async text() { return host.decodeUtf8(await all(this)); }
  }
  const prototype = Object.getPrototypeOf(one);
  const members = Object.getOwnPropertyDescriptors(Body.prototype);
  delete members.constructor;
  Object.defineProperties(prototype, members);
  shapes.push(Object.create(prototype), one);
}
