// console, and how values and errors look in the log.
import host from "valor:host";

const [TRACE, DEBUG, INFO, WARN, ERROR] = [0, 1, 2, 3, 4];
const MAX_DEPTH = 4;
const MAX_ITEMS = 100;
/** The log takes no longer lines. */
const MAX_LINE = 16 * 1024;

/** A value as one reads it; strings are quoted within others. */
export function inspect(value, depth = 0, seen = []) {
  switch (typeof value) {
    case "string": return depth === 0 ? value : JSON.stringify(value);
    case "bigint": return `${value}n`;
    case "function": return `[${/^class\b/.test(Function.prototype.toString.call(value)) ? "class" : "function"} ${value.name || "(anonymous)"}]`;
    case "symbol": return value.toString();
    case "object": break;
    default: return Object.is(value, -0) ? "-0" : String(value);
  }
  if (value === null) return "null";
  if (seen.includes(value)) return "[circular]";
  if (value instanceof Error || value instanceof DOMException) return describe(value);
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (depth > MAX_DEPTH) return `[${tag}]`;
  const inner = [...seen, value];
  const show = (v) => inspect(v, depth + 1, inner);
  const list = (items, open, close, name = "") => {
    const shown = [];
    let left = MAX_ITEMS;
    for (const item of items) {
      if (left-- === 0) {
        shown.push("...");
        break;
      }
      shown.push(item);
    }
    const prefix = name ? `${name} ` : "";
    return shown.length === 0 ? `${prefix}${open}${close}` : `${prefix}${open} ${shown.join(", ")} ${close}`;
  };
  function* map(items, f) {
    for (const item of items) yield f(item);
  }
  if (Array.isArray(value)) return list(map(value, show), "[", "]");
  if (value instanceof Map) return list(map(value, ([k, v]) => `${show(k)} => ${show(v)}`), "{", "}", `Map(${value.size})`);
  if (value instanceof Set) return list(map(value, show), "{", "}", `Set(${value.size})`);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof RegExp) return String(value);
  if (value instanceof Promise) return "Promise {}";
  if (value instanceof ArrayBuffer) return `ArrayBuffer { byteLength: ${value.byteLength} }`;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return list(map(value, String), "[", "]", `${tag}(${value.length})`);
  if (["Number", "String", "Boolean"].includes(tag)) return `[${tag}: ${value.valueOf()}]`;
  if (["Headers", "FormData", "URLSearchParams"].includes(tag)) return list(map(value, ([k, v]) => `${k}: ${show(v)}`), "{", "}", tag);
  if (tag === "URL") return `URL ${JSON.stringify(value.href)}`;
  const name = Object.getPrototypeOf(value) === null ? "[null prototype]" : value.constructor?.name;
  const fields = Object.keys(value).map((key) => {
    const property = Object.getOwnPropertyDescriptor(value, key);
    const shown = property && "value" in property ? show(property.value) : "[getter]";
    return `${/^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key)}: ${shown}`;
  });
  return list(fields, "{", "}", name === "Object" ? "" : name);
}

/** An error with the author's part of its stack and with its causes. */
export function describe(error, depth = 0) {
  if (!(error instanceof Error || error instanceof DOMException)) return `a value that is no Error: ${inspect(error, 1)}`;
  const name = String(error.name ?? "Error");
  const message = String(error.message ?? "");
  const head = message === "" ? name : name === "" ? message : `${name}: ${message}`;
  const frames = String(error.stack ?? "").split("\n").filter((line) => /^\s*at /.test(line) && !/\(?valor:|\(native\)/.test(line));
  const lines = [head, ...frames];
  if (error instanceof AggregateError && depth < MAX_DEPTH) lines.push(...error.errors.map((e) => `  one of them: ${describe(e, depth + 1)}`));
  if (error.cause !== undefined && depth < MAX_DEPTH) lines.push(`caused by: ${describe(error.cause, depth + 1)}`);
  return lines.join("\n");
}

/** Writes an error down that nobody has caught. */
export function reportError(error) {
  host.log(ERROR, `uncaught: ${describe(error)}`);
}

function format(args) {
  let rest = args;
  let text = "";
  if (typeof args[0] === "string" && args.length > 1) {
    rest = args.slice(1);
    text = args[0].replace(/%([sdifjoOc%])/g, (all, how) => {
      if (how === "%") return "%";
      if (rest.length === 0) return all;
      const [value, ...others] = rest;
      rest = others;
      switch (how) {
        case "s": return inspect(value);
        case "d": return typeof value === "bigint" ? `${value}n` : String(Number(value));
        case "i": return typeof value === "bigint" ? `${value}n` : String(parseInt(value));
        case "f": return String(parseFloat(value));
        case "j": return JSON.stringify(value);
        case "c": return "";
        default: return inspect(value, 1);
      }
    });
    if (rest.length > 0) text += " ";
  }
  return text + rest.map((value) => inspect(value)).join(" ");
}

let indent = "";
const counts = new Map();
const times = new Map();

function write(level, args) {
  let text;
  try {
    text = format(args);
  } catch (error) {
    // A getter or a proxy of the author's that throws.
    text = `cannot show a value: ${error}`;
  }
  host.log(level, text.slice(0, MAX_LINE).split("\n").map((line) => indent + line).join("\n"));
}

export const console = {
  log: (...args) => write(INFO, args),
  info: (...args) => write(INFO, args),
  debug: (...args) => write(DEBUG, args),
  warn: (...args) => write(WARN, args),
  error: (...args) => write(ERROR, args),
  dir: (value) => write(INFO, [inspect(value, 1)]),
  dirxml: (...args) => write(INFO, args),
  table: (value) => write(INFO, [inspect(value, 1)]),
  trace(...args) {
    const stack = describe(new Error(format(args))).replace(/^Error(: )?/, "Trace$1");
    write(TRACE, [stack]);
  },
  assert(condition, ...args) {
    if (!condition) write(ERROR, args.length === 0 ? ["assertion failed"] : ["assertion failed:", ...args]);
  },
  group(...args) {
    if (args.length > 0) write(INFO, args);
    if (indent.length < 40) indent += "  ";
  },
  groupCollapsed: (...args) => console.group(...args),
  groupEnd() { indent = indent.slice(2); },
  count(label = "default") {
    const n = (counts.get(String(label)) ?? 0) + 1;
    counts.set(String(label), n);
    write(INFO, [`${label}: ${n}`]);
  },
  countReset: (label = "default") => void counts.delete(String(label)),
  time: (label = "default") => void times.set(String(label), performance.now()),
  timeLog(label = "default", ...args) {
    const began = times.get(String(label));
    if (began === undefined) write(WARN, [`there is no timer ${JSON.stringify(String(label))}`]);
    else write(INFO, [`${label}: ${(performance.now() - began).toFixed(3)} ms`, ...args]);
  },
  timeEnd(label = "default") {
    console.timeLog(label);
    times.delete(String(label));
  },
};
Object.defineProperty(console, Symbol.toStringTag, { value: "console", configurable: true });
