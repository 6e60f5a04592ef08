// A Worker of one plugin: `valor-shim` in the browser. What it is told comes on a port, so that the plugin's own listeners
// for messages hear nothing of it.

import { CHANNEL, hold, whenGone } from "./protocol.js";
import { Served } from "./served.js";

/** @typedef {import("./protocol.js").Fields} Fields */
/**
 * @typedef {object} Call a request, as an engine gets it
 * @property {string} method
 * @property {string} target path and query below the prefix
 * @property {Fields} headers
 * @property {ReadableStream<Uint8Array> | null} body
 * @property {AbortSignal} signal aborts when nobody waits any more
 */
/** @typedef {{ status: number, headers: Fields, body: ReadableStream<Uint8Array> | null }} Answer */
/** @typedef {{ answer(call: Call): Answer | Promise<Answer> }} Engine */

/** @type {Record<string, () => Promise<{ start(entry: import("./protocol.js").Entry): Promise<Engine> }>>} */
const ENGINES = {
  js: () => import("./engine-js.js"),
  wasm: () => import("./engine-wasm.js"),
  wasi: () => import("./engine-wasi.js"),
};

addEventListener("message", ({ data, ports }) => void begin(data, ports[0]), { once: true });

/** @param {any} start @param {MessagePort} host */
async function begin({ entry, lock }, host) {
  const channel = new BroadcastChannel(CHANNEL);
  /** @param {unknown} error @param {string} [requestId] */
  const report = (error, requestId) => {
    const { message = String(error), stack = String(error) } = /** @type {Error} */ (error ?? {});
    channel.postMessage({ type: "error", plugin: entry.name, request_id: requestId, message, stack });
  };
  addEventListener("error", ({ error, message }) => report(error ?? message));
  addEventListener("unhandledrejection", ({ reason }) => report(reason));
  try {
    await hold(lock);
    const engine = await (await ENGINES[entry.kind]()).start(entry);
    serve(host, engine, report);
    host.postMessage({ type: "ready" });
  } catch (error) {
    report(error);
    host.postMessage({ type: "failed", reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
  }
}

/** @param {MessagePort} host @param {Engine} engine @param {(error: unknown, id?: string) => void} report */
function serve(host, engine, report) {
  let busy = 0;
  let draining = false;
  const drained = () => draining && busy === 0 && host.postMessage({ type: "drained" });
  const count = (/** @type {number} */ change) => {
    busy += change;
    drained();
  };
  host.onmessage = ({ data, ports }) => {
    if (data.type === "connect") connect(ports[0], engine, report, count);
    if (data.type === "drain") {
      draining = true;
      // What the service worker has sent meanwhile is on its way.
      setTimeout(drained, 100);
    }
  };
}

/**
 * A service worker's port.
 * @param {MessagePort} port
 * @param {Engine} engine
 * @param {(error: unknown, id?: string) => void} report
 * @param {(change: number) => void} count
 */
function connect(port, engine, report, count) {
  /** @type {Map<number, Served>} */
  const exchanges = new Map();
  port.onmessage = ({ data }) => {
    switch (data.type) {
      case "open": {
        count(1);
        const over = () => {
          exchanges.delete(data.id);
          count(-1);
        };
        const served = new Served(port, data, over);
        exchanges.set(data.id, served);
        return void served.run(engine, report);
      }
      case "ping":
        return port.postMessage({ type: "pong" });
      case "hello":
        return whenGone(data.lock, () => {
          for (const served of exchanges.values()) served.cancel();
          port.close();
        });
      default:
        exchanges.get(data.id)?.on(data);
    }
  };
}
