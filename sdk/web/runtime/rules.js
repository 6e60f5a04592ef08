// What the host decides, without a clock or a Worker.

/** @typedef {import("./protocol.js").Entry} Entry */

const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 10_000;
/** Crashes without a minute of peace between them, after which a plugin is not started again. */
const QUARANTINE = 8;

/** A plugin that has run for so long starts from nothing again. */
export const PEACE = 60_000;

/**
 * What follows a crash: a pause in milliseconds, or null for quarantine.
 * @param {number} crashes in a row, this one included
 */
export function pause(crashes) {
  if (crashes >= QUARANTINE) return null;
  return crashes === 1 ? 0 : Math.min(FIRST_PAUSE * 2 ** (crashes - 2), LONGEST_PAUSE);
}

/** Whether a running plugin is still the published one. @param {Entry} a @param {Entry} b */
export function same(a, b) {
  return JSON.stringify(form(a)) === JSON.stringify(form(b));
}

/** @param {Entry} entry */
function form({ name, prefix, kind, mode, digest, entry, config, timeout_ms }) {
  return [name, prefix, kind, mode, digest, entry, config, timeout_ms];
}

/** Why this browser cannot run a kind, or null. @param {Entry} entry */
export function unsupported({ kind }) {
  switch (kind) {
    case "js":
    case "wasm":
      return null;
    case "wasi":
      return "Suspending" in WebAssembly ? null : "this browser has no JSPI (WebAssembly.Suspending), which WASI components need";
    default:
      return `this runtime does not know plugins of the kind ${JSON.stringify(kind)}`;
  }
}
