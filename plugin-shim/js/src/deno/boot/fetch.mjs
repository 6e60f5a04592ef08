// fetch, which valord makes: it checks the grants.
import { kinds, sendHead } from "./channel.mjs";
import { beginningOf, Exchange, needs } from "./exchange.mjs";
import { requestOfThis } from "./serve.mjs";

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const NULL_BODY = new Set([101, 103, 204, 205, 304]);
const native = globalThis.fetch;

const refuse = () => {
  throw new TypeError("the headers of an answer cannot be changed");
};

/** Numbers of fetches are odd, those of requests even. */
let next = 1;

export async function fetch(input, init) {
  // A path is another plugin's, which needs no grant.
  const path = typeof input === "string" && /^\/(?!\/)/.test(input);
  const request = new Request(path ? `http://localhost${input}` : input, init);
  // What needs no network is the engine's own business.
  if (!/^https?:/.test(request.url)) return await native(request);
  const { signal } = request;
  signal.throwIfAborted();
  const fields = [...request.headers].flat();
  // valord follows redirects, within the grants, unless it is told not to.
  if (request.redirect !== "follow") fields.push("valor-redirect", "manual");
  const { first, whole, reader } = request.body ? await beginningOf(request.body) : { first: null, whole: true };
  signal.throwIfAborted();
  const id = next;
  next = next > 0x7fff_fff0 ? 1 : next + 2;
  const exchange = new Exchange(id, whole ? needs.BODY : needs.BODY | needs.UPLOAD);
  const { promise, resolve, reject } = Promise.withResolvers();
  exchange.onResponse = ([status, fields, end]) => {
    if (request.redirect === "error" && REDIRECTS.has(status)) {
      const error = new TypeError(`fetch of ${request.url}: it is redirected, and redirect is "error"`);
      reject(error);
      return exchange.reset(false, "redirected", error);
    }
    const bare = end || NULL_BODY.has(status);
    if (bare) exchange.done(needs.BODY);
    const response = new Response(bare ? null : exchange.stream(), { status, headers: pairs(fields) });
    Object.defineProperties(response, { url: { value: request.url }, type: { value: "basic" } });
    for (const name of ["append", "delete", "set"]) Object.defineProperty(response.headers, name, { value: refuse });
    resolve(response);
  };
  exchange.whenCancelled((error) => {
    reject(error === signal.reason ? error : new TypeError(`fetch of ${request.url}: ${error.message}`, { cause: error }));
  });
  signal.addEventListener("abort", () => exchange.reset(false, "aborted", signal.reason), { once: true });
  const target = path ? request.url.slice("http://localhost".length) : request.url;
  sendHead(kinds.FETCH, id, [request.method, target, fields, whole, requestOfThis()], first ?? undefined);
  if (!whole) {
    exchange.send(reader).then(
      () => exchange.done(needs.UPLOAD),
      (error) => {
        reject(error);
        exchange.reset(false, "the body of the request failed", error);
      },
    );
  }
  return await promise;
}

/** Names and values by turns as pairs. */
export function pairs(fields) {
  const list = [];
  for (let at = 0; at + 1 < fields.length; at += 2) list.push([fields[at], fields[at + 1]]);
  return list;
}
