// TextEncoder, TextDecoder and their streams (Encoding standard); the tables are those of encoding_rs.
import host from "valor:host";
import { bytesOf } from "valor:bytes";
import { TransformStream } from "valor:streams";

export class TextEncoder {
  get encoding() { return "utf-8"; }
  encode(text = "") { return host.encode(String(text)); }
  encodeInto(text, target) {
    if (!(target instanceof Uint8Array)) throw new TypeError("encodeInto: the target is no Uint8Array");
    let [read, written] = [0, 0];
    const source = String(text);
    for (const character of source.slice(0, target.length + 1)) {
      const bytes = host.encode(character);
      if (written + bytes.length > target.length) break;
      target.set(bytes, written);
      written += bytes.length;
      read += character.length;
    }
    return { read, written };
  }
  get [Symbol.toStringTag]() { return "TextEncoder"; }
}

export class TextDecoder {
  #name;
  #fatal;
  #ignoreBOM;
  /** The state of a stream that is not at its end. */
  #state = null;

  constructor(label = "utf-8", options = {}) {
    const name = host.encodingName(String(label));
    if (name === undefined) throw new RangeError(`TextDecoder: unknown encoding ${JSON.stringify(String(label))}`);
    this.#name = name;
    this.#fatal = Boolean(options?.fatal);
    this.#ignoreBOM = Boolean(options?.ignoreBOM);
  }

  get encoding() { return this.#name; }
  get fatal() { return this.#fatal; }
  get ignoreBOM() { return this.#ignoreBOM; }

  decode(input, options = {}) {
    const bytes = input === undefined ? new Uint8Array() : bytesOf(input, "decode");
    const more = Boolean(options?.stream);
    const state = this.#state ?? host.newDecoder(this.#name, this.#ignoreBOM);
    this.#state = more ? state : null;
    const text = host.decode(state, bytes, this.#fatal, !more);
    if (text === undefined) {
      this.#state = null;
      throw new TypeError(`TextDecoder: the bytes are not valid ${this.#name}`);
    }
    return text;
  }
  get [Symbol.toStringTag]() { return "TextDecoder"; }
}

export class TextEncoderStream {
  #stream;
  constructor() {
    // Half of a surrogate pair may be the end of a chunk.
    let half = "";
    this.#stream = new TransformStream({
      transform(chunk, controller) {
        let text = half + String(chunk);
        const last = text.charCodeAt(text.length - 1);
        half = last >= 0xd800 && last < 0xdc00 ? text.at(-1) : "";
        text = half === "" ? text : text.slice(0, -1);
        if (text !== "") controller.enqueue(host.encode(text));
      },
      flush(controller) {
        if (half !== "") controller.enqueue(host.encode(half));
      },
    });
  }
  get encoding() { return "utf-8"; }
  get readable() { return this.#stream.readable; }
  get writable() { return this.#stream.writable; }
  get [Symbol.toStringTag]() { return "TextEncoderStream"; }
}

export class TextDecoderStream {
  #decoder;
  #stream;
  constructor(label = "utf-8", options = {}) {
    const decoder = (this.#decoder = new TextDecoder(label, options));
    this.#stream = new TransformStream({
      transform(chunk, controller) {
        const text = decoder.decode(chunk, { stream: true });
        if (text !== "") controller.enqueue(text);
      },
      flush(controller) {
        const text = decoder.decode();
        if (text !== "") controller.enqueue(text);
      },
    });
  }
  get encoding() { return this.#decoder.encoding; }
  get fatal() { return this.#decoder.fatal; }
  get ignoreBOM() { return this.#decoder.ignoreBOM; }
  get readable() { return this.#stream.readable; }
  get writable() { return this.#stream.writable; }
  get [Symbol.toStringTag]() { return "TextDecoderStream"; }
}
