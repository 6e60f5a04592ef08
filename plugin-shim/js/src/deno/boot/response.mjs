// Responses of authors. Where the body is a text, that is kept: to read it out of a stream takes longer than all else.
const Native = globalThis.Response;
/** The text of a response whose body nobody has asked for; `null`: it was taken. */
const TEXT = Symbol("text");

/** Takes the text that is its body; `undefined`: it has another one, was read, or is longer than `limit`. */
export function takeText(response, limit) {
  const text = response[TEXT];
  if (text === null) throw new TypeError("the handler has returned a Response that was sent already");
  if (text === undefined || text.length > limit || response.bodyUsed) return undefined;
  response[TEXT] = null;
  return text;
}

export function installResponse() {
  const Response = new Proxy(Native, {
    construct(target, args, newTarget) {
      const response = Reflect.construct(target, args, newTarget === Response ? target : newTarget);
      if (typeof args[0] === "string") response[TEXT] = args[0];
      return response;
    },
  });
  const { get, enumerable } = Object.getOwnPropertyDescriptor(Native.prototype, "body");
  Object.defineProperties(Native.prototype, {
    body: {
      get() {
        // It may be locked from now on.
        if (typeof this[TEXT] === "string") this[TEXT] = undefined;
        return get.call(this);
      },
      enumerable,
      configurable: true,
    },
    constructor: { value: Response, writable: true, configurable: true },
  });
  Object.defineProperty(globalThis, "Response", { value: Response, writable: true, configurable: true });
}
