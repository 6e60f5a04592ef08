// fetch (Fetch standard, section 5.6), which valord makes: it checks the grants.
import host from "valor:host";
import { BODY, Exchange, UPLOAD } from "valor:exchange";
import { linesOf } from "valor:headers";
import { Request, targetOf, uploadOf } from "valor:request";
import { contentOf, fetched } from "valor:response";

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export function fetch(input, init) {
  return new Promise((resolve, reject) => {
    const request = new Request(input, init);
    const { signal } = request;
    signal.throwIfAborted();
    const content = uploadOf(request);
    const streamed = content !== null && content.bytes === null;
    const { headers } = request;
    // valord follows redirects, within the grants, unless it is told not to.
    if (request.redirect !== "follow") headers.append("valor-redirect", "manual");
    const id = host.fetch(request.method, targetOf(request), linesOf(headers), content?.bytes ?? null, !streamed);
    const exchange = new Exchange(id, streamed ? BODY | UPLOAD : BODY);

    // Let go of with the answer: the exchange must not keep it, or it would never be garbage.
    let settle = { resolve, reject };
    exchange.whenAnswered(() => {
      const [status, lines, end] = host.response(id);
      if (request.redirect === "error" && REDIRECTS.has(status)) {
        const error = new TypeError(`fetch of ${request.url}: it is redirected, and redirect is "error"`);
        fail(error);
        exchange.reset(false, "redirected", error);
        return;
      }
      const response = fetched(status, lines, request.url, end ? null : exchange.content());
      if (contentOf(response) === null) exchange.done(BODY);
      settle.resolve(response);
      settle = null;
    });
    const fail = (error) => {
      settle?.reject(error);
      settle = null;
    };
    exchange.whenCancelled((error) => {
      fail(error === signal.reason ? error : new TypeError(`fetch of ${request.url}: ${error.message}`, { cause: error }));
    });
    signal.addEventListener("abort", () => exchange.reset(false, "aborted", signal.reason), { once: true });
    if (streamed) {
      exchange.send(content.asStream()).then(
        () => exchange.done(UPLOAD),
        (error) => {
          fail(error);
          exchange.reset(false, "the body of the request failed", error);
        },
      );
    }
  });
}
