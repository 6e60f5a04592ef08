// Headers (Fetch standard, section 5.1).

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Values that can be taken as they are: visible at both ends, printable between them. */
const PLAIN = /^[!-~\x80-\xff](?:[ -~\x80-\xff]*[!-~\x80-\xff])?$/;

/** Names that were found valid, in lower case: most of them are the same few. */
const known = new Map();
const KNOWN = 256;

let internals;

export class Headers {
  /** Names in lower case and values by turns, in the order of their arrival. */
  #list = [];
  #immutable = false;

  static {
    internals = {
      list: (headers) => headers.#list,
      make(list, immutable) {
        const headers = new Headers();
        headers.#list = list;
        headers.#immutable = immutable;
        return headers;
      },
    };
  }

  constructor(init) {
    if (init === undefined) return;
    if (init === null || typeof init !== "object") throw new TypeError("Headers: neither a sequence nor a record");
    if (init instanceof Headers) {
      this.#list = init.#list.slice();
    } else if (init[Symbol.iterator] !== undefined) {
      for (const pair of init) {
        const [name, value, ...more] = pair;
        if (value === undefined || more.length > 0) throw new TypeError("Headers: an item is no pair of name and value");
        this.append(name, value);
      }
    } else {
      for (const name of Reflect.ownKeys(init)) {
        if (isEnumerable.call(init, name)) this.append(name, init[name]);
      }
    }
  }

  append(name, value) {
    const key = keyOf(name);
    const text = textOf(value);
    this.#check();
    this.#list.push(key, text);
  }
  set(name, value) {
    const key = keyOf(name);
    const text = textOf(value);
    this.#check();
    const at = this.#find(key, 0);
    if (at < 0) {
      this.#list.push(key, text);
      return;
    }
    this.#list[at + 1] = text;
    this.#drop(key, at + 2);
  }
  delete(name) {
    const key = keyOf(name);
    this.#check();
    this.#drop(key, 0);
  }
  get(name) {
    const key = keyOf(name);
    const at = this.#find(key, 0);
    if (at < 0) return null;
    return this.#find(key, at + 2) < 0 ? this.#list[at + 1] : this.#all(key).join(", ");
  }
  getSetCookie() { return this.#all("set-cookie"); }
  has(name) { return this.#find(keyOf(name), 0) >= 0; }
  forEach(callback, self) {
    for (const [name, value] of this) callback.call(self, value, name, this);
  }
  /** By name; values of one name are one, but for cookies. */
  *entries() {
    const names = [...new Set(this.#list.filter((_, i) => i % 2 === 0))].sort();
    for (const name of names) {
      if (name === "set-cookie") for (const cookie of this.getSetCookie()) yield [name, cookie];
      else yield [name, this.get(name)];
    }
  }
  *keys() {
    for (const [name] of this) yield name;
  }
  *values() {
    for (const [, value] of this) yield value;
  }
  [Symbol.iterator]() { return this.entries(); }
  get [Symbol.toStringTag]() { return "Headers"; }

  #check() {
    if (this.#immutable) throw new TypeError("Headers: these cannot be changed; copy them with new Headers(headers)");
  }
  /** The index of a name, from there on. */
  #find(key, from) {
    let at = this.#list.indexOf(key, from);
    // A value that reads like the name.
    while (at % 2 === 1) at = this.#list.indexOf(key, at + 1);
    return at;
  }
  #all(key) {
    const values = [];
    for (let at = this.#find(key, 0); at >= 0; at = this.#find(key, at + 2)) values.push(this.#list[at + 1]);
    return values;
  }
  /** A new list, for that of others stays as it is. */
  #drop(key, from) {
    if (this.#find(key, from) < 0) return;
    this.#list = this.#list.filter((_, i) => i < from || this.#list[i - (i % 2)] !== key);
  }
}

const isEnumerable = Object.prototype.propertyIsEnumerable;

function keyOf(name) {
  const key = known.get(name);
  if (key !== undefined) return key;
  const text = String(name);
  if (!TOKEN.test(text)) throw new TypeError(`Headers: ${JSON.stringify(text)} is no valid name`);
  const lower = text.toLowerCase();
  if (known.size < KNOWN && text.length < 64) known.set(text, lower);
  return lower;
}

function textOf(value) {
  const given = String(value);
  if (PLAIN.test(given)) return given;
  const text = given.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
  if (/[\0\n\r]|[^\0-\xff]/.test(text)) throw new TypeError(`Headers: ${JSON.stringify(text)} is no valid value`);
  return text;
}

/** Headers of a text: names and values by turns, a line each. */
export const headersOf = (lines, immutable) => internals.make(lines === "" ? [] : lines.split("\n"), immutable);

/** The text of headers. */
export const linesOf = (headers) => internals.list(headers).join("\n");

/** The same headers, which cannot be changed. */
export const frozen = (headers) => internals.make(internals.list(headers), true);
