// The three shapes of a plugin, the same in every engine. It imports nothing: whoever runs it brings the engine's own classes.

export const NO_HANDLER =
  "the module has no handler: write `export default { fetch(request, env, ctx) { ... } }`, " +
  "`export function handler(request) { ... }` or `addEventListener(\"fetch\", ...)`";

/**
 * `environment()` is what handlers get as `env`. Of work that goes on after the answer, `background()` is told when it begins and returns
 * what to call at its end; `complain(error)` is told when it fails.
 */
export function handlers({ Event, EventTarget }, environment, background, complain) {
  /** What `addEventListener` of the module listens to. */
  const scope = new EventTarget();
  let listens = false;

  /** Work that goes on after the answer. */
  function waitUntil(promise) {
    Promise.resolve(promise).catch(complain).finally(background());
  }

  const context = Object.freeze({ waitUntil, passThroughOnException() {} });

  class ExtendableEvent extends Event {
    waitUntil(promise) { waitUntil(promise); }
  }

  class FetchEvent extends ExtendableEvent {
    #request;
    #answer = null;
    constructor(type, init) {
      super(type, init);
      this.#request = init.request;
    }
    get request() { return this.#request; }
    get env() { return environment(); }
    respondWith(response) {
      if (this.#answer !== null) throw new DOMException("respondWith was called already", "InvalidStateError");
      this.#answer = { response };
      this.stopImmediatePropagation();
    }
    static answerOf(event) { return event.#answer; }
  }

  function listen(type, ...rest) {
    if (type === "fetch") listens = true;
    scope.addEventListener(type, ...rest);
  }

  /** One of the three shapes, looked for in this order; `null`: none. */
  function handlerOf(exports) {
    const chosen = exports.default;
    const env = environment();
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

  return { scope, listen, handlerOf, ExtendableEvent, FetchEvent };
}
