// structuredClone (HTML standard, section 2.7).

const refuse = (what) => {
  throw new DOMException(`${what} cannot be cloned`, "DataCloneError");
};
const ERRORS = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
const PRIMITIVES = { Boolean, Number, String };

/** Objects whose classes cannot change once made: clones share their content. */
const cloners = [];
/** Teaches `structuredClone` a class: `clone(value)` for values that `is` says are of it. */
export const cloneable = (is, clone) => cloners.push({ is, clone });

export function structuredClone(value, options = {}) {
  if (arguments.length === 0) throw new TypeError("structuredClone: the value is missing");
  const transfer = [...(options?.transfer ?? [])];
  const seen = new Map();
  for (const item of transfer) {
    if (!(item instanceof ArrayBuffer)) refuse("what is no ArrayBuffer is not transferred, and so");
    if (seen.has(item)) refuse("an ArrayBuffer that is transferred twice");
    if (item.detached) refuse("a detached ArrayBuffer");
    seen.set(item, null);
  }
  // Only now, so that nothing is detached when something is refused: first copy, then detach.
  for (const item of transfer) seen.delete(item);
  const result = clone(value, seen);
  for (const item of transfer) item.transfer();
  return result;
}

function clone(value, seen) {
  if (typeof value === "symbol") refuse(String(value));
  if (typeof value === "function") refuse(`the function ${value.name || "(anonymous)"}`);
  if (typeof value !== "object" || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  const keep = (copy) => {
    seen.set(value, copy);
    return copy;
  };
  for (const { is, clone } of cloners) if (is(value)) return keep(clone(value));
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (Object.hasOwn(PRIMITIVES, tag) && value instanceof PRIMITIVES[tag]) return keep(Object(value.valueOf()));
  if (tag === "BigInt") return keep(Object(value.valueOf()));
  if (value instanceof Date) return keep(new Date(value.getTime()));
  if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
  if (value instanceof ArrayBuffer) {
    if (value.detached) refuse("a detached ArrayBuffer");
    return keep(value.slice(0));
  }
  if (ArrayBuffer.isView(value)) {
    const buffer = clone(value.buffer, seen);
    const length = value instanceof DataView ? value.byteLength : value.length;
    const View = Object.getPrototypeOf(Uint8Array).prototype.isPrototypeOf(value) ? globalThis[value[Symbol.toStringTag]] : DataView;
    return keep(new View(buffer, value.byteOffset, length));
  }
  if (value instanceof Map) {
    const copy = keep(new Map());
    for (const [k, v] of [...value]) copy.set(clone(k, seen), clone(v, seen));
    return copy;
  }
  if (value instanceof Set) {
    const copy = keep(new Set());
    for (const item of [...value]) copy.add(clone(item, seen));
    return copy;
  }
  if (value instanceof DOMException) return keep(new DOMException(value.message, value.name));
  if (value instanceof Error) return cloneError(value, keep, seen);
  if (Array.isArray(value)) {
    const copy = keep(new Array(value.length));
    for (const key of Object.keys(value)) copy[key] = clone(value[key], seen);
    return copy;
  }
  if (tag !== "Object" || value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef) {
    refuse(`a ${tag}`);
  }
  const copy = keep({});
  for (const key of Object.keys(value)) copy[key] = clone(value[key], seen);
  return copy;
}

function cloneError(error, keep, seen) {
  const name = Object.hasOwn(ERRORS, String(error.name)) ? String(error.name) : "Error";
  const made = keep(new ERRORS[name](error.message === undefined ? undefined : String(error.message)));
  Object.defineProperty(made, "stack", { value: String(error.stack), writable: true, configurable: true });
  if (Object.hasOwn(error, "cause")) {
    Object.defineProperty(made, "cause", { value: clone(error.cause, seen), writable: true, configurable: true });
  }
  return made;
}
