// The author's module and its requests.
import { AsyncLocalStorage } from "node:async_hooks";
import { kinds, send, sendHead } from "./channel.mjs";
import { beginningOf, Exchange, MAX_PART, needs } from "./exchange.mjs";
import { handlers, NO_HANDLER } from "./handlers.mjs";
import { complain, describe } from "./log.mjs";
import { Incoming } from "./request.mjs";
import { takeText } from "./response.mjs";

/** A character takes at most three bytes. */
const MAX_TEXT = Math.floor(MAX_PART / 3);
/** The request that code runs for. */
const current = new AsyncLocalStorage();
export const requestOfThis = () => current.getStore() ?? null;

/** Begins work that the end of the process waits for; returns what ends it. */
function background() {
  const request = requestOfThis();
  if (request === null) return () => {};
  send(kinds.BACKGROUND, request);
  return () => send(kinds.SETTLED, request);
}

let env = {};
/** Answers a request; set when the module has been evaluated. */
let answer = null;
const { scope, listen, handlerOf, ExtendableEvent, FetchEvent } = handlers(
  globalThis,
  () => env,
  background,
  (error) => complain(`background work failed: ${describe(error)}`),
);

export function installEvents() {
  const { addEventListener, removeEventListener } = globalThis;
  globalThis.addEventListener = (type, ...rest) => {
    if (type !== "fetch") return addEventListener.call(globalThis, type, ...rest);
    listen(type, ...rest);
  };
  globalThis.removeEventListener = (type, ...rest) =>
    type === "fetch" ? scope.removeEventListener(type, ...rest) : removeEventListener.call(globalThis, type, ...rest);
  Object.assign(globalThis, { ExtendableEvent, FetchEvent });
  addEventListener.call(globalThis, "unhandledrejection", (event) => {
    event.preventDefault();
    complain(`unhandled rejection: ${describe(event.reason)}`);
  });
  addEventListener.call(globalThis, "error", (event) => {
    event.preventDefault();
    complain(`uncaught exception: ${describe(event.error)}`);
  });
}

/** Evaluates the author's module. */
export async function begin(file, config) {
  env = config;
  try {
    answer = handlerOf(await import(`file://${file}`));
  } catch (error) {
    return send(kinds.FAILED, 0, describe(error));
  }
  if (answer !== null) return send(kinds.CREATED, 0);
  send(kinds.FAILED, 0, NO_HANDLER);
}

/** A request has come: whether it has a body, its method, its target and fields. */
export function onRequest(id, text) {
  const exchange = new Exchange(id, needs.ANSWER);
  const at = text.indexOf("\n");
  const method = text.slice(1, at);
  const bare = text[0] === "-" || method === "GET" || method === "HEAD";
  current.run(id, serve, exchange, new Incoming(exchange, method, bare, text.slice(at + 1)), method);
}

async function serve(exchange, request, method) {
  try {
    const response = await answer(request);
    const plain = response instanceof Response && method !== "HEAD" && exchange.failure === null;
    const text = plain ? takeText(response, MAX_TEXT) : undefined;
    if (text === undefined) {
      await respond(exchange, response, method);
      exchange.done(needs.ANSWER);
    } else {
      sendHead(kinds.RESPOND, exchange.id, [response.status, fieldsOf(response), true], text);
      exchange.done(needs.ANSWER, true);
    }
  } catch (error) {
    fail(exchange, error);
  }
}

/** Names and values by turns. */
function fieldsOf({ headers }) {
  const fields = [];
  headers.forEach((value, name) => fields.push(name, value));
  return fields;
}

async function respond(exchange, response, method) {
  if (exchange.failure !== null) {
    if (response instanceof Response) void response.body?.cancel(exchange.failure).catch(() => {});
    return;
  }
  if (!(response instanceof Response)) {
    throw new TypeError(`the handler has to return a Response, not ${Deno.inspect(response, { depth: 1 })}`);
  }
  if (response.type === "error") throw new TypeError("the handler has returned Response.error()");
  const { body } = response;
  if (response.bodyUsed || body?.locked) {
    throw new TypeError("the handler has returned a Response whose body was read already, or is locked");
  }
  const fields = fieldsOf(response);
  if (body === null || method === "HEAD") {
    sendHead(kinds.RESPOND, exchange.id, [response.status, fields, true]);
    void body?.cancel().catch(() => {});
    return;
  }
  const { first, whole, reader } = await beginningOf(body);
  if (exchange.failure !== null) return void reader.cancel(exchange.failure).catch(() => {});
  sendHead(kinds.RESPOND, exchange.id, [response.status, fields, whole], first ?? undefined);
  if (!whole) await exchange.send(reader);
}

function fail(exchange, error) {
  // Nobody waits: the author's code was told by the signal.
  if (exchange.failure !== null) return;
  complain(`the handler failed: ${describe(error)}`);
  exchange.reset(true, "the handler failed", error instanceof Error ? error : new TypeError("the handler failed"));
}
