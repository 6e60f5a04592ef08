// Runs a module of this folder in any engine. Each exports `tests`: names, and functions that take `t` and throw.

const show = (value) => {
  if (typeof value === "bigint" || typeof value === "symbol" || typeof value === "function") return String(value);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return JSON.stringify(value) ?? String(value);
};

function same(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (ArrayBuffer.isView(a) !== ArrayBuffer.isView(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => same(a[key], b[key]));
}

/** The name of what an action throws. */
async function caught(action) {
  try {
    await action();
  } catch (error) {
    return error?.name ?? show(error);
  }
  return "nothing";
}

export function assertions(origin) {
  return {
    /** A server that answers `/echo` (method, body, content type), `/status/N`, `/stream` (`a`, `b`, `c` in parts), `/redirect` (302 to `/status/200`), and never `/never`. */
    origin,
    ok(value, why = "is not true") {
      if (!value) throw new Error(`${show(value)} ${why}`);
    },
    equal(found, wanted) {
      if (!same(found, wanted)) throw new Error(`found ${show(found)}, wanted ${show(wanted)}`);
    },
    /** `action` throws, or rejects with, an error of this name. */
    async throws(name, action) {
      const found = await caught(action);
      if (found !== name) throw new Error(`${action} throws ${found}, not ${name}`);
    },
  };
}

/** What became of each test: `null`, or why it fails. */
export async function run(tests, origin) {
  const results = {};
  for (const [name, test] of Object.entries(tests)) {
    try {
      await test(assertions(origin));
      results[name] = null;
    } catch (error) {
      results[name] = String(error?.message ?? error);
    }
  }
  return results;
}
