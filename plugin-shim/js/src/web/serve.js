// The author's module and its requests.
import host from "valor:host";
import { AbortController } from "valor:abort";
import { contentOf } from "valor:body";
import { describe, inspect, reportError } from "valor:console";
import { Event, EventTarget } from "valor:events";
import { Exchange } from "valor:exchange";
import { handlers, NO_HANDLER } from "valor:handlers";
import { fieldsOf } from "valor:headers";
import { incoming } from "valor:request";
import { Response } from "valor:response";

const ERROR = 4;

let env = {};
/** Answers a request; set when the module has been evaluated. */
let answer = null;

const { scope, listen, handlerOf, ExtendableEvent, FetchEvent } = handlers({ Event, EventTarget }, () => env, reportError);
export { scope, listen, ExtendableEvent, FetchEvent };

/** The module is evaluated, or it will be: `done` is the promise of that. */
export function begin(done, exports, config) {
  env = config;
  done.then(
    () => {
      answer = handlerOf(exports);
      if (answer === null) {
        host.failed(NO_HANDLER);
      } else {
        host.created();
      }
    },
    (error) => host.failed(describe(error)),
  );
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
