// What pages, the service worker and Workers say to each other.
//
// Locks tell who is alive, since the browser releases them with their holder, however that ends:
//   `valor:host`         the page that hosts the Workers; the others wait for it
//   `valor:worker:ID`    a Worker; the service worker and the host wait for it
//   `valor:router:ID`    a service worker; the Workers wait for it
//
// page → service worker (`postMessage`): `need-claim`, `status`, `keep`, and of the host `snapshot` (with `elsewhere`, prefixes that only the server answers) and `plugin`
// service worker → pages: `need` (who hosts answers with a `snapshot`), `hung` (the host ends that Worker)
// host → Worker (a port of its own, so that no listener of the plugin hears it): `start`, `connect`, `drain`
// Worker → host: `ready`, `failed`, `drained`
// between pages and Workers (a BroadcastChannel): `manifest` (look again), `error` (of a plugin, with its stack)
//
// service worker ⇄ Worker, on a port: an exchange a request, with an id that the service worker chooses.
//   → `open`: id, method, target, headers, body (none, or streamed)       ← `head`: id, status, headers, body
//   ← `fail`: id, kind, detail (instead of a head)                        → `cancel`: id (nobody waits any more)
//   ⇄ `data`, `end`, `error` of the body that one sends, `credit`, `stop` of the body that one reads
//   → `hello`: lock of the service worker     → `ping` ← `pong`

/** Pages and service workers of different versions do not understand each other: the server answers then. */
export const PROTOCOL = 1;

export const HOST_LOCK = "valor:host";
export const CHANNEL = "valor";
export const BASE = "/_valor/";

/**
 * @typedef {object} Entry a plugin of the manifest
 * @property {string} name
 * @property {string} prefix in its normal form
 * @property {"js"|"wasm"|"wasi"} kind
 * @property {"local-with-fallback"|"local"|"server"} mode
 * @property {string} digest sha256 of the artifact, hex
 * @property {string} entry path of the file
 * @property {unknown} config
 * @property {number} timeout_ms to the head of an answer; 0 for none
 */

/** @typedef {"starting"|"ready"|"backoff"|"quarantined"|"failed"|"unsupported"} State */

/** Header fields in their order, repeated ones as often as they come. @typedef {[string, string][]} Fields */

/**
 * Waits for a lock and calls `gone` when whoever held it is no more.
 * @param {string} name
 * @param {() => void} gone
 */
export function whenGone(name, gone) {
  navigator.locks.request(name, () => gone()).catch(gone);
}

/**
 * Takes a lock and keeps it as long as this page or worker lives.
 * @param {string} name
 * @returns {Promise<void>} when it is held
 */
export function hold(name) {
  return new Promise((held, failed) => {
    navigator.locks.request(name, () => new Promise(() => held())).catch(failed);
  });
}
