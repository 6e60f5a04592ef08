// The author's module and its requests.
import { AsyncLocalStorage } from "node:async_hooks";
import { kinds, send, sendHead } from "./channel.mjs";
import { beginningOf, Exchange } from "./exchange.mjs";
import { pairs } from "./fetch.mjs";
import { handlers, NO_HANDLER } from "./handlers.mjs";
import { complain, describe } from "./log.mjs";

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

/** A request has come. */
export function onRequest(id, [method, url, fields, end]) {
  const exchange = new Exchange(id, "answer");
  const client = new AbortController();
  exchange.whenCancelled((error) => client.abort(new DOMException(error.message, "AbortError")));
  current.run(id, async () => {
    try {
      const bare = end || method === "GET" || method === "HEAD";
      const init = { method, headers: pairs(fields), signal: client.signal };
      const request = new Request(url, bare ? init : { ...init, body: exchange.stream(), duplex: "half" });
      await respond(exchange, await answer(request), method);
      exchange.done("answer");
    } catch (error) {
      fail(exchange, error);
    }
  });
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
  const fields = [...response.headers].flat();
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
