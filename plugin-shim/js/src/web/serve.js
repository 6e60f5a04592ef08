// The author's module and its requests.
import host from "valor:host";
import { CONTENT, contentIn } from "valor:body";
import { describe, inspect, reportError } from "valor:console";
import { Event, EventTarget } from "valor:events";
import { ANSWER, EXCHANGE, Exchange, exchangeIn, listenIn } from "valor:exchange";
import { handlers, NO_HANDLER } from "valor:handlers";
import { incoming, METHOD, requestOf } from "valor:request";
import { linesIn, slotsIn, STATUS } from "valor:response";

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
  const client = incoming(id, method, head, end);
  try {
    const result = answer(requestOf(client));
    const response = slotsIn(result);
    if (response === null) later(client, result);
    else respond(client, response);
  } catch (error) {
    fail(client, error);
  }
}

function later(client, result) {
  listenIn(client);
  const settled = (value) => {
    try {
      const response = slotsIn(value);
      const failure = client[EXCHANGE].failure ?? null;
      if (failure !== null) {
        if (response !== null) void value.body?.cancel(failure).catch(() => {});
        return;
      }
      if (response === null) throw new TypeError(`the handler has to return a Response, not ${inspect(value, 1)}`);
      respond(client, response);
    } catch (error) {
      fail(client, error);
    }
  };
  Promise.resolve(result).then(settled, (error) => fail(client, error));
}

/** Answers a client's request; both are slots. */
function respond(client, response) {
  const status = response[STATUS];
  if (status === 0) throw new TypeError("the handler has returned Response.error()");
  const bare = client[METHOD] === "HEAD";
  if (response[CONTENT] === null || typeof response[CONTENT] === "string") {
    answerAll(client, status, linesIn(response), bare ? null : response[CONTENT]);
    return;
  }
  const content = contentIn(response);
  if (!content.isUsable()) {
    throw new TypeError("the handler has returned a Response whose body was read already, or is locked");
  }
  if (bare || content.bytes !== null) {
    answerAll(client, status, linesIn(response), bare ? null : content.bytes);
    if (content.bytes === null) void content.asStream().cancel().catch(() => {});
    return;
  }
  const exchange = exchangeIn(client);
  host.respond(exchange.id, status, linesIn(response));
  const stream = content.asStream();
  content.used = true;
  exchange.send(stream).then(
    () => exchange.done(ANSWER),
    (error) => fail(client, error),
  );
}

/** Sends all of the answer: a body of text or of bytes, or none. */
function answerAll(client, status, lines, body) {
  const exchange = client[EXCHANGE];
  const id = typeof exchange === "number" ? exchange : exchange.id;
  // The engine takes no halves of surrogate pairs, and says so.
  if (!host.answer(id, status, lines, body)) host.answer(id, status, lines, body.toWellFormed());
  Exchange.answered(client);
}

function fail(client, error) {
  const exchange = exchangeIn(client);
  // Nobody waits: the author's code was told by the signal.
  if (exchange === null || exchange.failure !== null) return;
  const out = host.outOfMemory(error);
  if (!out) host.log(ERROR, `the handler failed: ${describe(error)}`);
  exchange.reset(true, "the handler failed", error instanceof Error ? error : new TypeError("the handler failed"));
}

/** A promise was rejected, and nobody has cared. */
export function onUnhandled(reason) {
  if (!host.outOfMemory(reason)) host.log(ERROR, `unhandled rejection: ${describe(reason)}`);
}
