// Which plugin answers a path, and which paths are refused: the rules of valord (`routes.rs`, `http/check.rs`).

/** @typedef {import("./protocol.js").Entry} Entry */

/**
 * The prefixes of all plugins that the manifest knows: of those that only the server answers there is no more than that.
 * @param {Entry[]} entries
 * @param {string[]} [elsewhere]
 * @returns {Map<string, Entry | null>}
 */
export function table(entries, elsewhere = []) {
  /** @type {[string, null][]} */
  const others = elsewhere.map((prefix) => [prefix, null]);
  return new Map([...others, .../** @type {[string, Entry][]} */ (entries.map((entry) => [entry.prefix, entry]))]);
}

/**
 * The entry with the longest prefix that ends at a segment of `path`, and the path below it, which starts with `/`; null where
 * only the server can answer.
 * @param {Map<string, Entry | null>} byPrefix
 * @param {string} path without a query
 * @returns {[Entry, string] | null}
 */
export function find(byPrefix, path) {
  // An end of 1 is an empty first segment, not the root.
  for (let end = path.length; end > 1; end = path.lastIndexOf("/", end - 1)) {
    const prefix = path.slice(0, end);
    const entry = byPrefix.get(prefix);
    if (entry !== undefined && prefix !== "/") return entry && [entry, path.slice(end) || "/"];
  }
  const root = byPrefix.get("/");
  return root ? [root, path] : null;
}

/** @type {[RegExp, string][]} */
const REFUSED = [
  [/%(?![0-9a-f]{2})/i, "the path has a percent sign that encodes nothing"],
  [/%(c[01]|e0%[89]|f0%8)/i, "the path has an overlong encoding of a character"],
  [/%2f/i, "the path has an encoded slash"],
  [/%5c/i, "the path has an encoded backslash"],
  [/%00/, "the path has an encoded NUL"],
];

/**
 * Why a path is refused: it can be read in more than one way. Dot segments and backslashes were resolved by the browser.
 * @param {string} path
 * @returns {string | null}
 */
export function refused(path) {
  if (!path.includes("%")) return null;
  return REFUSED.find(([pattern]) => pattern.test(path))?.[1] ?? null;
}
