// Headers (Fetch standard, section 5.1).

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

let internals;

export class Headers {
  /** [name in lower case, value], in the order of their arrival. */
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
      this.#list = init.#list.map((pair) => [...pair]);
    } else if (init[Symbol.iterator] !== undefined) {
      for (const pair of init) {
        const [name, value, ...more] = pair;
        if (value === undefined || more.length > 0) throw new TypeError("Headers: an item is no pair of name and value");
        this.append(name, value);
      }
    } else {
      for (const name of Reflect.ownKeys(init)) {
        if (Object.getOwnPropertyDescriptor(init, name)?.enumerable) this.append(name, init[name]);
      }
    }
  }

  append(name, value) {
    const pair = [this.#name(name), this.#value(value)];
    this.#check();
    this.#list.push(pair);
  }
  set(name, value) {
    const pair = [this.#name(name), this.#value(value)];
    this.#check();
    const at = this.#list.findIndex(([n]) => n === pair[0]);
    if (at < 0) {
      this.#list.push(pair);
    } else {
      this.#list = this.#list.filter(([n], i) => n !== pair[0] || i === at);
      this.#list[at] = pair;
    }
  }
  delete(name) {
    const wanted = this.#name(name);
    this.#check();
    this.#list = this.#list.filter(([n]) => n !== wanted);
  }
  get(name) {
    const wanted = this.#name(name);
    let found = null;
    for (const [n, v] of this.#list) if (n === wanted) found = found === null ? v : `${found}, ${v}`;
    return found;
  }
  getSetCookie() { return this.#list.filter(([n]) => n === "set-cookie").map(([, v]) => v); }
  has(name) {
    const wanted = this.#name(name);
    return this.#list.some(([n]) => n === wanted);
  }
  forEach(callback, self) {
    for (const [name, value] of this) callback.call(self, value, name, this);
  }
  /** By name; values of one name are one, but for cookies. */
  *entries() {
    const names = [...new Set(this.#list.map(([n]) => n))].sort();
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
  #name(name) {
    const text = String(name);
    if (!TOKEN.test(text)) throw new TypeError(`Headers: ${JSON.stringify(text)} is no valid name`);
    return text.toLowerCase();
  }
  #value(value) {
    const text = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
    if (/[\0\n\r]|[^\0-\xff]/.test(text)) throw new TypeError(`Headers: ${JSON.stringify(text)} is no valid value`);
    return text;
  }
}

/** Headers of names and values by turns, as the wire has them. */
export function headersOf(fields, immutable) {
  const list = [];
  for (let i = 0; i < fields.length; i += 2) list.push([fields[i], fields[i + 1]]);
  return internals.make(list, immutable);
}

/** Names and values by turns. */
export const fieldsOf = (headers) => internals.list(headers).flat();

/** The same headers, which cannot be changed. */
export const frozen = (headers) => internals.make(internals.list(headers), true);
