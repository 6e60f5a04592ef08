// JavaScript plugins: one ES module in one of three shapes, as valord's engine takes them.

/** @typedef {import("./worker.js").Call} Call */

const scope = /** @type {any} */ (globalThis);

let listens = false;

class ExtendableEvent extends Event {
  /** @param {Promise<unknown>} promise */
  waitUntil(promise) {
    background(promise);
  }
}

class FetchEvent extends ExtendableEvent {
  /** @type {{ response: unknown } | null} */
  answer = null;

  /** @param {string} type @param {any} init */
  constructor(type, init) {
    super(type, init);
    this.request = init.request;
    this.env = init.env;
  }

  /** @param {unknown} response */
  respondWith(response) {
    if (this.answer !== null) throw new DOMException("respondWith was called already", "InvalidStateError");
    this.answer = { response };
    this.stopImmediatePropagation();
  }
}

/** Work that goes on after the answer. @param {unknown} promise */
function background(promise) {
  Promise.resolve(promise).catch(reportError);
}

const context = Object.freeze({ waitUntil: background, passThroughOnException() {} });

/** @param {import("./protocol.js").Entry} entry */
export async function start(entry) {
  const env = envOf(entry.config);
  scope.ExtendableEvent ??= ExtendableEvent;
  scope.FetchEvent ??= FetchEvent;
  const listen = scope.addEventListener;
  scope.addEventListener = (/** @type {string} */ type, /** @type {any[]} */ ...rest) => {
    if (type === "fetch") listens = true;
    listen.call(scope, type, ...rest);
  };
  const handle = handlerOf(await import(entry.entry), env);
  return { answer: async (/** @type {Call} */ call) => answer(await handle(request(call))) };
}

/** The members of a configuration that is an object; any other one is `config`. @param {any} config */
function envOf(config) {
  if (config === null || config === undefined) return {};
  return typeof config === "object" && !Array.isArray(config) ? { ...config } : { config };
}

/** One of the three shapes, looked for in this order. @param {any} exports @param {object} env */
function handlerOf(exports, env) {
  const chosen = exports.default;
  if ((typeof chosen === "object" || typeof chosen === "function") && typeof chosen?.fetch === "function") {
    return (/** @type {Request} */ request) => chosen.fetch(request, env, context);
  }
  if (typeof exports.handler === "function") return (/** @type {Request} */ request) => exports.handler(request, env, context);
  if (listens) return (/** @type {Request} */ request) => dispatch(request, env);
  throw new TypeError(
    "the module has no handler: `export default { fetch(request) {} }`, `export function handler(request) {}` or a listener for `fetch`",
  );
}

/** @param {Request} request @param {object} env */
function dispatch(request, env) {
  const event = new FetchEvent("fetch", { request, env, cancelable: true });
  scope.dispatchEvent(event);
  if (event.answer === null) throw new TypeError("no fetch listener has called respondWith");
  return event.answer.response;
}

/** @param {Call} call */
function request({ method, target, headers, body, signal }) {
  const fields = new Headers(headers);
  const init = { method, headers: fields, body, signal, duplex: "half" };
  const request = new Request(location.origin + target, /** @type {any} */ (init));
  // What browsers do not let anybody send, `host` among it, is there as on the server.
  Object.defineProperty(request, "headers", { value: fields });
  return request;
}

/** @param {unknown} response @returns {import("./worker.js").Answer} */
function answer(response) {
  if (!(response instanceof Response)) throw new TypeError(`the handler has to return a Response, not ${typeof response}`);
  if (response.type === "error") throw new TypeError("the handler has returned Response.error()");
  if (response.bodyUsed || response.body?.locked) {
    throw new TypeError("the handler has returned a Response whose body was read already, or is locked");
  }
  return { status: response.status, headers: [...response.headers], body: response.body };
}
