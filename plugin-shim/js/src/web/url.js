// URL and URLSearchParams (URL standard) over the `url` crate; URLPattern over `urlpattern`.
import host from "valor:host";

const PARTS = ["href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"];

let bind;

export class URLSearchParams {
  #list = [];
  /** Told of every change, when a URL owns these. */
  #changed = () => {};

  static {
    bind = {
      own(params, changed) { params.#changed = changed; },
      load(params, query) { params.#list = pairs(query); },
    };
  }

  constructor(init = "") {
    if (init !== null && typeof init === "object") {
      if (typeof init[Symbol.iterator] === "function") {
        for (const pair of init) {
          const items = [...pair];
          if (items.length !== 2) throw new TypeError("URLSearchParams: an item is no pair of name and value");
          this.#list.push(items.map((item) => String(item).toWellFormed()));
        }
      } else {
        for (const key of Object.keys(init)) this.#list.push([key.toWellFormed(), String(init[key]).toWellFormed()]);
      }
    } else {
      this.#list = pairs(String(init).replace(/^\?/, ""));
    }
  }

  get size() { return this.#list.length; }
  append(name, value) {
    this.#list.push([text(name), text(value)]);
    this.#changed();
  }
  delete(name, value) {
    this.#list = this.#list.filter(([n, v]) => n !== text(name) || (value !== undefined && v !== text(value)));
    this.#changed();
  }
  get(name) { return this.#list.find(([n]) => n === text(name))?.[1] ?? null; }
  getAll(name) { return this.#list.filter(([n]) => n === text(name)).map(([, v]) => v); }
  has(name, value) { return this.#list.some(([n, v]) => n === text(name) && (value === undefined || v === text(value))); }
  set(name, value) {
    const key = text(name);
    const at = this.#list.findIndex(([n]) => n === key);
    if (at < 0) {
      this.#list.push([key, text(value)]);
    } else {
      this.#list = this.#list.filter(([n], i) => n !== key || i === at);
      this.#list[at] = [key, text(value)];
    }
    this.#changed();
  }
  sort() {
    this.#list.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#changed();
  }
  forEach(callback, self) {
    for (const [name, value] of this) callback.call(self, value, name, this);
  }
  *entries() {
    for (let i = 0; i < this.#list.length; i++) yield [...this.#list[i]];
  }
  *keys() {
    for (const [name] of this) yield name;
  }
  *values() {
    for (const [, value] of this) yield value;
  }
  [Symbol.iterator]() { return this.entries(); }
  toString() { return host.writeForm(this.#list.flat()); }
  get [Symbol.toStringTag]() { return "URLSearchParams"; }
}

const text = (value) => String(value).toWellFormed();

function pairs(query) {
  const flat = host.parseForm(query.toWellFormed());
  const list = [];
  for (let i = 0; i < flat.length; i += 2) list.push([flat[i], flat[i + 1]]);
  return list;
}

const parse = (url, base) => host.parseUrl(text(url), base === undefined ? undefined : text(base));

export class URL {
  #parts;
  #params = null;

  constructor(url, base) {
    this.#parts = parse(url, base);
    if (this.#parts === undefined) throw new TypeError(`Invalid URL: ${JSON.stringify(String(url))}`);
  }

  static canParse(url, base) { return parse(url, base) !== undefined; }
  static parse(url, base) { return URL.canParse(url, base) ? new URL(url, base) : null; }

  get searchParams() {
    if (this.#params === null) {
      const params = (this.#params = new URLSearchParams(this.search));
      bind.own(params, () => this.#set("search", params.toString()));
    }
    return this.#params;
  }
  toString() { return this.href; }
  toJSON() { return this.href; }
  get [Symbol.toStringTag]() { return "URL"; }

  #set(part, value) {
    const parts = host.changeUrl(this.href, part, text(value));
    if (parts !== undefined) this.#parts = parts;
    else if (part === "href") throw new TypeError(`Invalid URL: ${JSON.stringify(String(value))}`);
  }

  static {
    PARTS.forEach((part, index) => {
      const property = { configurable: true, enumerable: true, get() { return this.#parts[index]; } };
      if (part !== "origin") {
        property.set = function (value) {
          this.#set(part, value);
          if (this.#params !== null && (part === "search" || part === "href")) {
            bind.load(this.#params, this.search.replace(/^\?/, ""));
          }
        };
      }
      Object.defineProperty(this.prototype, part, property);
    });
  }
}

const COMPONENTS = ["protocol", "username", "password", "hostname", "port", "pathname", "search", "hash"];

export class URLPattern {
  #components;
  #hasRegExpGroups;

  constructor(input = {}, baseOrOptions, options) {
    const base = typeof baseOrOptions === "string" ? baseOrOptions : undefined;
    const { ignoreCase = false } = (base === undefined ? baseOrOptions : options) ?? {};
    const answer = JSON.parse(host.parsePattern(JSON.stringify(init(input)), base, Boolean(ignoreCase)));
    if (answer.error !== undefined) throw new TypeError(`URLPattern: ${answer.error}`);
    this.#hasRegExpGroups = answer.hasRegexpGroups;
    this.#components = COMPONENTS.map((name) => {
      const { patternString, regexpString, groupNameList } = answer[name];
      let regexp;
      try {
        regexp = new RegExp(regexpString, ignoreCase ? "ui" : "u");
      } catch (error) {
        throw new TypeError(`URLPattern: the ${name} is no valid pattern: ${error.message}`);
      }
      return { name, pattern: patternString, regexp, groups: groupNameList };
    });
  }

  get hasRegExpGroups() { return this.#hasRegExpGroups; }
  test(input = {}, base) { return this.exec(input, base) !== null; }
  exec(input = {}, base) {
    const given = init(input);
    if (typeof given !== "string" && base !== undefined) throw new TypeError("URLPattern: a base goes with a string only");
    const answer = JSON.parse(host.matchInput(JSON.stringify(given), base === undefined ? undefined : text(base)));
    if (answer === null) return null;
    const result = { inputs: base === undefined ? [input] : [input, base] };
    for (const { name, regexp, groups } of this.#components) {
      const found = regexp.exec(answer[name]);
      if (found === null) return null;
      result[name] = { input: answer[name], groups: Object.fromEntries(groups.map((group, i) => [group, found[i + 1]])) };
    }
    return result;
  }
  get [Symbol.toStringTag]() { return "URLPattern"; }

  static {
    COMPONENTS.forEach((name, index) => {
      Object.defineProperty(this.prototype, name, {
        configurable: true,
        enumerable: true,
        get() { return this.#components[index].pattern; },
      });
    });
  }
}

/** A string, or an object with none but the members that count. */
function init(input) {
  if (input === null || typeof input !== "object" || input instanceof URL) return text(input);
  const members = [...COMPONENTS, "baseURL"].filter((name) => input[name] !== undefined);
  return Object.fromEntries(members.map((name) => [name, text(input[name])]));
}
