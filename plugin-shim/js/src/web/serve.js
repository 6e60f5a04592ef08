// The author's module and its requests.
import host from "valor:host";
import { AbortController } from "valor:abort";
import { contentOf } from "valor:body";
import { describe, inspect, reportError } from "valor:console";
import { Event, EventTarget } from "valor:events";
import { Exchange } from "valor:exchange";
import { fieldsOf } from "valor:headers";
import { incoming } from "valor:request";
import { Response } from "valor:response";

const ERROR = 4;

/** What `addEventListener` of the module listens to. */
export const scope = new EventTarget();
let listens = false;

let env = {};
/** Answers a request; set when the module has been evaluated. */
let answer = null;

export class ExtendableEvent extends Event {
  waitUntil(promise) { background(promise); }
}

export class FetchEvent extends ExtendableEvent {
  #request;
  #answer = null;
  constructor(type, init) {
    super(type, init);
    this.#request = init.request;
  }
  get request() { return this.#request; }
  get env() { return env; }
  respondWith(response) {
    if (this.#answer !== null) throw new DOMException("respondWith was called already", "InvalidStateError");
    this.#answer = { response };
    this.stopImmediatePropagation();
  }
  static answerOf(event) { return event.#answer; }
}

/** Work that goes on after the answer. */
function background(promise) {
  Promise.resolve(promise).catch(reportError);
}

const context = Object.freeze({
  waitUntil: (promise) => background(promise),
  passThroughOnException() {},
});

export function listen(type, ...rest) {
  if (type === "fetch") listens = true;
  scope.addEventListener(type, ...rest);
}

/** The module is evaluated, or it will be: `done` is the promise of that. */
export function begin(done, exports, config) {
  env = config;
  done.then(
    () => {
      answer = handlerOf(exports);
      if (answer === null) {
        host.failed(
          "the module has no handler: write `export default { fetch(request, env, ctx) { ... } }`, " +
            "`export function handler(request) { ... }` or `addEventListener(\"fetch\", ...)`",
        );
      } else {
        host.created();
      }
    },
    (error) => host.failed(describe(error)),
  );
}

/** One of the three shapes, looked for in this order. */
function handlerOf(exports) {
  const chosen = exports.default;
  if ((typeof chosen === "object" || typeof chosen === "function") && typeof chosen?.fetch === "function") {
    return (request) => chosen.fetch(request, env, context);
  }
  if (typeof exports.handler === "function") return (request) => exports.handler(request, env, context);
  if (!listens) return null;
  return (request) => {
    const event = new FetchEvent("fetch", { request, cancelable: true });
    scope.dispatchEvent(event);
    const answer = FetchEvent.answerOf(event);
    if (answer === null) throw new TypeError("no fetch listener has called respondWith");
    return answer.response;
  };
}

/** A request has come. */
export function onRequest(id, method, url, fields, end) {
  const exchange = new Exchange(id, "answer");
  const client = new AbortController();
  exchange.whenCancelled((error) => client.abort(new DOMException(error.message, "AbortError")));
  const failed = (error) => fail(exchange, error);
  try {
    const request = incoming(method, url, fields, end ? null : exchange.content(), client.signal);
    const result = answer(request);
    if (result instanceof Response) respond(exchange, result, method);
    else Promise.resolve(result).then((response) => respond(exchange, response, method)).catch(failed);
  } catch (error) {
    failed(error);
  }
}

function respond(exchange, response, method) {
  if (exchange.failure !== null) {
    if (response instanceof Response) void response.body?.cancel(exchange.failure).catch(() => {});
    return;
  }
  if (!(response instanceof Response)) {
    throw new TypeError(`the handler has to return a Response, not ${inspect(response, 1)}`);
  }
  if (response.type === "error") throw new TypeError("the handler has returned Response.error()");
  const content = contentOf(response);
  if (content !== null && !content.isUsable()) {
    throw new TypeError("the handler has returned a Response whose body was read already, or is locked");
  }
  const fields = fieldsOf(response.headers);
  const bare = content === null || method === "HEAD";
  if (bare || content.bytes !== null) {
    host.respond(exchange.id, response.status, fields, bare ? null : content.bytes, true);
    if (content !== null && content.bytes === null) void response.body.cancel().catch(() => {});
    exchange.done("answer");
    return;
  }
  host.respond(exchange.id, response.status, fields, null, false);
  const stream = content.asStream();
  content.used = true;
  exchange.send(stream).then(
    () => exchange.done("answer"),
    (error) => fail(exchange, error),
  );
}

function fail(exchange, error) {
  // Nobody waits: the author's code was told by the signal.
  if (exchange.failure !== null) return;
  const out = host.outOfMemory(error);
  if (!out) host.log(ERROR, `the handler failed: ${describe(error)}`);
  exchange.reset(true, "the handler failed", error instanceof Error ? error : new TypeError("the handler failed"));
}

/** A promise was rejected, and nobody has cared. */
export function onUnhandled(reason) {
  if (!host.outOfMemory(reason)) host.log(ERROR, `unhandled rejection: ${describe(reason)}`);
}
