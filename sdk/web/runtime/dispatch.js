// From a request to the plugin that answers it.

import { inward, outward, requestId } from "./forward.js";
import { Link } from "./link.js";
import { Problem } from "./problem.js";
import { router } from "./router.js";
import { refused } from "./routes.js";

/** @typedef {import("./protocol.js").Entry} Entry */
/** @typedef {import("./link.js").Exchange} Exchange */

/** How many requests a plugin may have at once. */
const CONCURRENCY = 256;
/** Bodies that pages which are about to go must have before they go. */
const DOCUMENT = 32 << 20;

const NO_BODY = [204, 205, 304];

/**
 * Answers a request, here or on the server.
 * @param {any} event of the type `fetch`
 * @param {URL} url
 * @returns {Promise<Response>}
 */
export async function dispatch(event, url) {
  const { request } = event;
  await router.ready;
  const found = router.find(url.pathname);
  // The developers' page asks for the server's own answer.
  if (found === null || found[0].mode === "server" || request.headers.has("x-valor-server")) return fetch(request);
  const [entry, rest] = found;
  const here = entry.mode === "local";
  // A page that is loaded in a tab takes the place of the one that was there, which may host the Workers.
  const leaving = request.mode === "navigate" && request.destination === "document";
  if (leaving && !here && navigator.onLine) return fetch(request);

  const way = await router.link(entry, here || !navigator.onLine);
  if (!(way instanceof Link) && !here) return fetch(request);
  const id = requestId(request.headers);
  try {
    if (!(way instanceof Link)) throw down(way);
    const reason = refused(url.pathname);
    if (reason !== null) throw new Problem("bad-request", reason);
    if (way.inFlight >= CONCURRENCY) {
      const detail = `${CONCURRENCY} requests are worked on and 0 wait, which is all that it may have`;
      throw new Problem("busy", detail, 1);
    }
    const response = await send(event, url, entry, rest, way, id);
    return leaving ? await whole(response) : response;
  } catch (error) {
    if (error instanceof Problem) return error.response(id, url.pathname, entry.name);
    throw error;
  }
}

/**
 * @param {any} event
 * @param {URL} url
 * @param {Entry} entry
 * @param {string} rest the path below the prefix
 * @param {Link} link
 * @param {string} id
 */
async function send(event, url, entry, rest, link, id) {
  const { request } = event;
  const { method, signal } = request;
  const fields = inward(request.headers, url, entry.prefix, id);
  const exchange = link.open(method, rest + url.search, fields, await content(request));
  event.waitUntil(exchange.ended);
  signal.addEventListener("abort", () => exchange.cancel());
  if (signal.aborted) exchange.cancel();
  const head = await inTime(event, entry, link, exchange);
  const bare = method === "HEAD" || NO_BODY.includes(head.status);
  if (bare) void head.body?.cancel();
  try {
    return new Response(bare ? null : head.body, { status: head.status, headers: outward(head.headers, entry.name, id) });
  } catch (error) {
    void head.body?.cancel();
    throw new Problem("bad-response", /** @type {Error} */ (error).message);
  }
}

/** The body of a request: as it comes where the browser lets us read it so, else all of it. @param {Request} request */
async function content(request) {
  if (request.method === "GET" || request.method === "HEAD") return null;
  if (request.body !== undefined) return request.body;
  const blob = await /** @type {Request} */ (request).blob();
  return blob.size > 0 ? blob.stream() : null;
}

/**
 * The head of the answer, if it comes in time. A Worker that is late and does not answer a ping either is ended.
 * @param {any} event
 * @param {Entry} entry
 * @param {Link} link
 * @param {Exchange} exchange
 */
async function inTime(event, entry, link, exchange) {
  const { timeout_ms: timeout } = entry;
  if (!timeout) return exchange.head;
  /** @type {number} */
  let timer = 0;
  const late = new Promise((_, reject) => {
    const problem = new Problem("deadline", `it has not answered within ${timeout < 1000 ? `${timeout}ms` : `${timeout / 1000}s`}`);
    timer = setTimeout(() => reject(problem), timeout);
  });
  try {
    return await /** @type {typeof exchange.head} */ (Promise.race([exchange.head, late]));
  } catch (error) {
    if (/** @type {Problem} */ (error).kind === "deadline") {
      exchange.cancel();
      event.waitUntil(hung(link));
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** @param {Link} link */
async function hung(link) {
  if (link.dead || (await link.probe()) || link.dead) return;
  await router.tell({ type: "hung", name: link.name, generation: link.generation });
  link.gone("its Worker was ended, because it did not come to an end; the request was not repeated");
}

/** @param {import("./router.js").Report} report */
function down({ state, reason }) {
  switch (state) {
    case "backoff":
      return new Problem("backoff", "its process crashed, and another one is started after a pause", 1);
    case "quarantined":
      return new Problem("quarantined", "it is not started again before the page is loaded again");
    case "failed":
    case "unsupported":
      return new Problem("start-failed", reason ?? "its start has failed");
    default:
      return new Problem("starting", "no page hosts it yet", 1);
  }
}

/** @param {Response} response */
async function whole(response) {
  if (response.body === null) return response;
  const parts = [];
  let size = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    size += part.value.byteLength;
    if (size > DOCUMENT) {
      void reader.cancel();
      throw new Problem("bad-response", `a page that is answered here has at most ${DOCUMENT} bytes`);
    }
  }
  return new Response(new Blob(parts), { status: response.status, headers: response.headers });
}
