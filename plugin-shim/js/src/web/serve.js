// The author's module and its requests.
import host from "valor:host";
import { contentOf, textOrContentOf } from "valor:body";
import { describe, inspect, reportError } from "valor:console";
import { Event, EventTarget } from "valor:events";
import { ANSWER, Exchange } from "valor:exchange";
import { handlers, NO_HANDLER } from "valor:handlers";
import { incoming } from "valor:request";
import { headOf, isResponse } from "valor:response";

const ERROR = 4;

let env = {};
/** Answers a request; set when the module has been evaluated. */
let answer = null;

/** Begins work that the end of the process waits for; returns what ends it. */
function background() {
  const work = host.beginBackground();
  return () => host.endBackground(work);
}

const { scope, listen, handlerOf, ExtendableEvent, FetchEvent } = handlers({ Event, EventTarget }, () => env, background, reportError);
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

/** A request has come; `head` is its target and its header fields, a line each. */
export function onRequest(id, method, head, end) {
  const exchange = new Exchange(id, ANSWER);
  try {
    const result = answer(incoming(exchange, method, head, end ? null : exchange.content()));
    if (isResponse(result)) {
      respond(exchange, result, method);
      return;
    }
    exchange.listen();
    Promise.resolve(result).then(
      (response) => {
        try {
          respond(exchange, response, method);
        } catch (error) {
          fail(exchange, error);
        }
      },
      (error) => fail(exchange, error),
    );
  } catch (error) {
    fail(exchange, error);
  }
}

function respond(exchange, response, method) {
  if (exchange.failure !== null) {
    if (isResponse(response)) void response.body?.cancel(exchange.failure).catch(() => {});
    return;
  }
  if (!isResponse(response)) throw new TypeError(`the handler has to return a Response, not ${inspect(response, 1)}`);
  const { status } = response;
  if (status === 0) throw new TypeError("the handler has returned Response.error()");
  const bare = method === "HEAD";
  const text = textOrContentOf(response);
  if (text === null || typeof text === "string") {
    exchange.answer(status, headOf(response), bare || text === null ? null : text.toWellFormed());
    return;
  }
  const content = contentOf(response);
  if (!content.isUsable()) {
    throw new TypeError("the handler has returned a Response whose body was read already, or is locked");
  }
  if (bare || content.bytes !== null) {
    exchange.answer(status, headOf(response), bare ? null : content.bytes);
    if (content.bytes === null) void response.body.cancel().catch(() => {});
    return;
  }
  host.respond(exchange.id, status, headOf(response));
  const stream = content.asStream();
  content.used = true;
  exchange.send(stream).then(
    () => exchange.done(ANSWER),
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
