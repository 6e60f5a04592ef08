// FormData (XMLHttpRequest standard, section 4) and multipart/form-data (RFC 7578) both ways.
import host from "valor:host";
import { concat, copyOf } from "valor:bytes";
import { Blob, bytesOfBlob, File } from "valor:blob";

/** More parts than this are refused. */
const MAX_PARTS = 10_000;

export class FormData {
  #entries = [];

  constructor(form) {
    if (form !== undefined) throw new TypeError("FormData: there are no form elements here");
  }

  append(name, value, filename) { this.#entries.push(entry(name, value, filename, arguments.length)); }
  set(name, value, filename) {
    const made = entry(name, value, filename, arguments.length);
    const at = this.#entries.findIndex(([n]) => n === made[0]);
    if (at < 0) {
      this.#entries.push(made);
      return;
    }
    this.#entries = this.#entries.filter(([n], i) => n !== made[0] || i === at);
    this.#entries[this.#entries.findIndex(([n]) => n === made[0])] = made;
  }
  delete(name) { this.#entries = this.#entries.filter(([n]) => n !== String(name)); }
  get(name) { return this.#entries.find(([n]) => n === String(name))?.[1] ?? null; }
  getAll(name) { return this.#entries.filter(([n]) => n === String(name)).map(([, v]) => v); }
  has(name) { return this.#entries.some(([n]) => n === String(name)); }
  forEach(callback, self) {
    for (const [name, value] of this) callback.call(self, value, name, this);
  }
  *entries() {
    for (let i = 0; i < this.#entries.length; i++) yield [...this.#entries[i]];
  }
  *keys() {
    for (const [name] of this) yield name;
  }
  *values() {
    for (const [, value] of this) yield value;
  }
  [Symbol.iterator]() { return this.entries(); }
  get [Symbol.toStringTag]() { return "FormData"; }
}

function entry(name, value, filename, count) {
  if (count < 2) throw new TypeError("FormData: takes a name and a value");
  const key = String(name).toWellFormed();
  if (!(value instanceof Blob)) {
    if (count > 2) throw new TypeError("FormData: only a Blob has a file name");
    return [key, String(value).toWellFormed()];
  }
  const given = filename ?? (value instanceof File ? value.name : "blob");
  if (value instanceof File && filename === undefined) return [key, value];
  const { type, lastModified } = value;
  return [key, new File([value], String(given), { type, lastModified })];
}

/** The body of a form, and its type. */
export function encodeForm(form) {
  const boundary = `----valor-${host.uuid().replaceAll("-", "")}`;
  const escape = (text) => text.replace(/\r\n?|\n/g, "%0D%0A").replaceAll('"', "%22");
  const parts = [];
  for (const [name, value] of form) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${escape(name)}"`;
    if (typeof value === "string") {
      parts.push(host.encode(`${head}\r\n\r\n${value.replace(/\r\n?|\n/g, "\r\n")}\r\n`));
    } else {
      const type = value.type || "application/octet-stream";
      parts.push(host.encode(`${head}; filename="${escape(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`));
      parts.push(bytesOfBlob(value), host.encode("\r\n"));
    }
  }
  parts.push(host.encode(`--${boundary}--\r\n`));
  return { bytes: concat(parts), type: `multipart/form-data; boundary=${boundary}` };
}

/** The form in a body of the given type; throws when there is none. */
export function decodeForm(bytes, type) {
  const [, essence, rest] = /^\s*([^;\s]*)\s*(?:;(.*))?$/s.exec(type ?? "") ?? [];
  const form = new FormData();
  if (essence?.toLowerCase() === "application/x-www-form-urlencoded") {
    const pairs = host.parseForm(host.decodeUtf8(bytes));
    for (let i = 0; i < pairs.length; i += 2) form.append(pairs[i], pairs[i + 1]);
    return form;
  }
  if (essence?.toLowerCase() !== "multipart/form-data") {
    throw new TypeError(`formData: the content type ${JSON.stringify(type ?? "")} is no form's`);
  }
  const [, quoted, plain] = /(?:^|;)\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(rest ?? "") ?? [];
  const boundary = quoted?.replace(/\\(.)/g, "$1") ?? plain;
  if (!boundary || boundary.length > 70) throw new TypeError("formData: the content type has no valid boundary");
  multipart(bytes, boundary, form);
  return form;
}

function multipart(bytes, boundary, form) {
  const broken = (why) => new TypeError(`formData: the multipart body is malformed: ${why}`);
  const delimiter = host.encode(`\r\n--${boundary}`);
  // The first delimiter may stand at the very beginning.
  let at = startsWith(bytes, 0, delimiter.subarray(2)) ? delimiter.length - 2 : after(bytes, delimiter, 0);
  if (at < 0) throw broken("there is no boundary");
  for (let count = 0; ; count++) {
    if (bytes[at] === 0x2d && bytes[at + 1] === 0x2d) return;
    if (count === MAX_PARTS) throw broken(`it has more than ${MAX_PARTS} parts`);
    while (bytes[at] === 0x20 || bytes[at] === 0x09) at++;
    if (bytes[at] !== 0x0d || bytes[at + 1] !== 0x0a) throw broken("a boundary is not followed by a line break");
    // Counted from the line break, for a part may have no headers.
    const head = find(bytes, host.encode("\r\n\r\n"), at);
    const end = head < 0 ? -1 : find(bytes, delimiter, head + 2);
    if (end < 0) throw broken("it ends within a part");
    const body = copyOf(bytes.subarray(head + 4, Math.max(head + 4, end)));
    const headers = host.decodeUtf8(bytes.subarray(at + 2, Math.max(at + 2, head)));
    const disposition = /^content-disposition\s*:\s*form-data\s*(;.*)$/im.exec(headers)?.[1];
    const name = disposition && parameter(disposition, "name");
    if (name === undefined) throw broken("a part has no name");
    const filename = parameter(disposition, "filename");
    if (filename === undefined) {
      form.append(name, host.decodeUtf8(body));
    } else {
      const type = /^content-type\s*:\s*(.*?)\s*$/im.exec(headers)?.[1] ?? "text/plain";
      form.append(name, new File([body], filename, { type }));
    }
    at = end + delimiter.length;
  }
}

function parameter(disposition, name) {
  const [, quoted, plain] = new RegExp(`;\\s*${name}\\s*=\\s*(?:"([^"]*)"|([^;\\s]*))`, "i").exec(disposition) ?? [];
  return (quoted ?? plain)?.replace(/%0D%0A/gi, "\r\n").replace(/%22/g, '"');
}

function startsWith(bytes, at, needle) {
  for (let i = 0; i < needle.length; i++) if (bytes[at + i] !== needle[i]) return false;
  return true;
}

function find(bytes, needle, from) {
  for (let at = bytes.indexOf(needle[0], from); at >= 0; at = bytes.indexOf(needle[0], at + 1)) {
    if (startsWith(bytes, at, needle)) return at;
  }
  return -1;
}

function after(bytes, needle, from) {
  const at = find(bytes, needle, from);
  return at < 0 ? -1 : at + needle.length;
}
