// Event, CustomEvent and EventTarget (DOM standard, section 2), without a tree of nodes.
import { reportError } from "valor:console";

let dispatched;

export class Event {
  #type;
  #init;
  #target = null;
  #current = null;
  #stopped = false;
  #stoppedNow = false;
  #prevented = false;
  #passive = false;
  #dispatching = false;
  #timeStamp = performance.now();

  static {
    dispatched = {
      begin(event, target) {
        if (event.#dispatching) throw new DOMException("the event is being dispatched", "InvalidStateError");
        event.#dispatching = true;
        event.#target = event.#current = target;
        event.#stopped = event.#stoppedNow = false;
      },
      end(event) {
        event.#dispatching = false;
        event.#current = null;
        return !event.#prevented;
      },
      stopped: (event) => event.#stoppedNow,
      passive: (event, passive) => (event.#passive = passive),
    };
  }

  constructor(type, init = {}) {
    if (arguments.length === 0) throw new TypeError("Event: the type is missing");
    this.#type = String(type);
    this.#init = init ?? {};
  }

  get type() { return this.#type; }
  get target() { return this.#target; }
  get srcElement() { return this.#target; }
  get currentTarget() { return this.#current; }
  get eventPhase() { return this.#current === null ? Event.NONE : Event.AT_TARGET; }
  get bubbles() { return Boolean(this.#init.bubbles); }
  get cancelable() { return Boolean(this.#init.cancelable); }
  get composed() { return Boolean(this.#init.composed); }
  get defaultPrevented() { return this.#prevented; }
  get returnValue() { return !this.#prevented; }
  get cancelBubble() { return this.#stopped; }
  get isTrusted() { return false; }
  get timeStamp() { return this.#timeStamp; }

  composedPath() { return this.#current === null ? [] : [this.#current]; }
  stopPropagation() { this.#stopped = true; }
  stopImmediatePropagation() { this.#stopped = this.#stoppedNow = true; }
  preventDefault() {
    if (this.cancelable && !this.#passive) this.#prevented = true;
  }

  get [Symbol.toStringTag]() { return "Event"; }
  static NONE = 0;
  static CAPTURING_PHASE = 1;
  static AT_TARGET = 2;
  static BUBBLING_PHASE = 3;
}

export class CustomEvent extends Event {
  #detail;
  constructor(type, init = {}) {
    super(type, init);
    this.#detail = init?.detail ?? null;
  }
  get detail() { return this.#detail; }
  get [Symbol.toStringTag]() { return "CustomEvent"; }
}

export class EventTarget {
  #listeners = [];

  addEventListener(type, callback, options = {}) {
    if (callback === null || callback === undefined) return;
    if (typeof callback !== "function" && typeof callback !== "object") {
      throw new TypeError("addEventListener: the listener is neither a function nor an object");
    }
    const { capture, once, passive, signal } = flags(options);
    if (signal?.aborted) return;
    type = String(type);
    const same = (l) => l.type === type && l.callback === callback && l.capture === capture;
    if (this.#listeners.some(same)) return;
    const listener = { type, callback, capture, once, passive, removed: false };
    this.#listeners.push(listener);
    signal?.addEventListener("abort", () => this.#remove(listener), { once: true });
  }

  removeEventListener(type, callback, options = {}) {
    const { capture } = flags(options);
    type = String(type);
    const found = this.#listeners.find(
      (l) => l.type === type && l.callback === callback && l.capture === capture,
    );
    if (found) this.#remove(found);
  }

  dispatchEvent(event) {
    if (!(event instanceof Event)) throw new TypeError("dispatchEvent: not an Event");
    dispatched.begin(event, this);
    for (const listener of [...this.#listeners]) {
      if (listener.removed || listener.type !== event.type) continue;
      if (listener.once) this.#remove(listener);
      dispatched.passive(event, listener.passive);
      try {
        const { callback } = listener;
        if (typeof callback === "function") callback.call(this, event);
        else callback.handleEvent(event);
      } catch (error) {
        reportError(error);
      }
      dispatched.passive(event, false);
      if (dispatched.stopped(event)) break;
    }
    return dispatched.end(event);
  }

  #remove(listener) {
    listener.removed = true;
    this.#listeners = this.#listeners.filter((l) => l !== listener);
  }

  get [Symbol.toStringTag]() { return "EventTarget"; }
}

function flags(options) {
  if (typeof options !== "object" || options === null) return { capture: Boolean(options), once: false, passive: false };
  const { capture, once, passive, signal } = options;
  if (signal !== undefined && !(signal instanceof EventTarget)) {
    throw new TypeError("addEventListener: the signal is no AbortSignal");
  }
  return { capture: Boolean(capture), once: Boolean(once), passive: Boolean(passive), signal };
}

/** An `onNAME` attribute: one listener that can be replaced. */
export function handlerAttribute(prototype, name) {
  const handlers = new WeakMap();
  Object.defineProperty(prototype, `on${name}`, {
    configurable: true,
    enumerable: true,
    get() { return handlers.get(this)?.handler ?? null; },
    set(handler) {
      const old = handlers.get(this);
      if (typeof handler !== "function") {
        if (old) old.handler = null;
        return;
      }
      if (old) {
        old.handler = handler;
        return;
      }
      const entry = { handler };
      handlers.set(this, entry);
      this.addEventListener(name, (event) => entry.handler?.call(this, event));
    },
  });
}
