// Blob and File (File API).
import host from "valor:host";
import { bytesOf, concat, copyOf, isBytes } from "valor:bytes";
import { ReadableStream } from "valor:streams";

/** How much of a blob one chunk of its stream is. */
const CHUNK = 64 * 1024;

let peek;
let make;

const cleanType = (type) => (/^[\x20-\x7e]*$/.test(type) ? type.toLowerCase() : "");

export class Blob {
  #bytes = new Uint8Array();
  #type = "";

  static {
    peek = (blob) => blob.#bytes;
    make = (bytes, type) => {
      const blob = new Blob([], { type });
      blob.#bytes = bytes;
      return blob;
    };
  }

  constructor(parts = [], options = {}) {
    if (parts === null || typeof parts !== "object" || typeof parts[Symbol.iterator] !== "function") {
      throw new TypeError("Blob: the parts are no sequence");
    }
    const native = options?.endings === "native";
    const whole = [...parts].map((part) => {
      if (part instanceof Blob) return part.#bytes;
      if (isBytes(part)) return copyOf(bytesOf(part, "Blob"));
      const text = String(part);
      return host.encode(native ? text.replace(/\r\n?|\n/g, "\n") : text);
    });
    this.#bytes = whole.length === 0 ? new Uint8Array() : concat(whole);
    this.#type = cleanType(String(options?.type ?? ""));
  }

  get size() { return this.#bytes.length; }
  get type() { return this.#type; }

  slice(start = 0, end = this.size, type = "") {
    return make(this.#bytes.subarray(Number(start) || 0, end === undefined ? undefined : Number(end) || 0), String(type));
  }
  async arrayBuffer() { return copyOf(this.#bytes).buffer; }
  async bytes() { return copyOf(this.#bytes); }
  async text() { return host.decodeUtf8(this.#bytes); }
  stream() {
    const bytes = this.#bytes;
    let at = 0;
    return new ReadableStream({
      type: "bytes",
      pull(controller) {
        if (at < bytes.length) controller.enqueue(copyOf(bytes.subarray(at, (at += CHUNK))));
        if (at >= bytes.length) {
          controller.close();
          controller.byobRequest?.respond(0);
        }
      },
    });
  }
  get [Symbol.toStringTag]() { return "Blob"; }
}

export class File extends Blob {
  #name;
  #lastModified;
  constructor(parts, name, options = {}) {
    if (arguments.length < 2) throw new TypeError("File: takes parts and a name");
    super(parts, options);
    this.#name = String(name);
    this.#lastModified = Math.trunc(Number(options?.lastModified ?? Date.now())) || 0;
  }
  get name() { return this.#name; }
  get lastModified() { return this.#lastModified; }
  get webkitRelativePath() { return ""; }
  get [Symbol.toStringTag]() { return "File"; }
}

/** The bytes of a blob, not copied: nobody may write to them. */
export const bytesOfBlob = (blob) => peek(blob);
/** A blob of bytes that nobody else writes to. */
export const blobOf = (bytes, type) => make(bytes, type);
