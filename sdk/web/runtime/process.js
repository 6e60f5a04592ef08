// One plugin and its Worker, as the host has them: starting, ready, backoff, quarantined, failed, unsupported.

import { BASE, whenGone } from "./protocol.js";
import { PEACE, pause, unsupported } from "./rules.js";

/** @typedef {import("./protocol.js").Entry} Entry */
/** @typedef {{ worker: Worker, port: MessagePort, lock: string, generation: number, entry: Entry, since: number }} Seat */

/** How long a Worker may take to start. */
const START = 30_000;
/** How long one that is replaced may take for what it has, where its requests have no deadline. */
const DRAIN = 60_000;

let generations = 0;

export class Process {
  /** @type {Seat | null} who answers */
  #seat = null;
  /** @type {Seat | null} who starts */
  #next = null;
  #crashes = 0;
  #gone = false;
  /** @type {import("./protocol.js").State} */
  state = "starting";
  /** @type {string | undefined} */
  reason;

  /**
   * @param {Entry} entry
   * @param {(process: Process) => void} onChange
   */
  constructor(entry, onChange) {
    this.entry = entry;
    this.onChange = onChange;
    this.#begin();
  }

  /** How it is, with a new way to it. */
  report() {
    const { entry, state, reason } = this;
    if (this.#seat === null) return { entry, state, reason };
    const { port1, port2 } = new MessageChannel();
    const { port, lock, generation } = this.#seat;
    port.postMessage({ type: "connect" }, [port1]);
    return { entry, state: "ready", lock, generation, port: port2 };
  }

  /** A new version takes over when it is ready; if it does not start, the old one goes on. @param {Entry} entry */
  replace(entry) {
    this.entry = entry;
    this.#crashes = 0;
    this.#next?.worker.terminate();
    this.#next = null;
    if (entry.mode === "server") this.#drain();
    this.#begin();
  }

  /** It is no longer published. */
  retire() {
    this.#gone = true;
    this.#next?.worker.terminate();
    this.#drain();
  }

  /** Ends a Worker that does not come to an end. @param {number} generation */
  end(generation) {
    if (this.#seat?.generation === generation) this.#seat.worker.terminate();
  }

  #begin() {
    const why = this.entry.mode === "server" ? undefined : unsupported(this.entry);
    if (this.entry.mode === "server" || why) {
      this.state = "unsupported";
      this.reason = why ?? undefined;
      return this.onChange(this);
    }
    const seat = this.#spawn(this.entry);
    this.#next = seat;
    const late = setTimeout(() => this.#failed(seat, `it has not started within ${START / 1000}s`), START);
    seat.port.onmessage = ({ data }) => {
      if (data.type === "drained") return seat.worker.terminate();
      clearTimeout(late);
      if (data.type === "ready") this.#ready(seat);
      if (data.type === "failed") this.#failed(seat, data.reason);
    };
    seat.worker.onerror = (event) => {
      if (this.#next !== seat) return;
      clearTimeout(late);
      this.#failed(seat, `its Worker could not be loaded: ${event.message ?? "see the console"}`);
    };
  }

  /** @param {Entry} entry @returns {Seat} */
  #spawn(entry) {
    const worker = new Worker(`${BASE}worker.js`, { type: "module", name: `valor ${entry.name}` });
    const { port1, port2 } = new MessageChannel();
    const lock = `valor:worker:${crypto.randomUUID()}`;
    worker.postMessage({ type: "start", entry, lock }, [port2]);
    return { worker, port: port1, lock, generation: ++generations, entry, since: Date.now() };
  }

  /** @param {Seat} seat */
  #ready(seat) {
    if (this.#next !== seat) return;
    this.#next = null;
    this.#drain();
    this.#seat = seat;
    this.state = "ready";
    this.reason = undefined;
    whenGone(seat.lock, () => this.#crashed(seat));
    this.onChange(this);
  }

  /** @param {Seat} seat @param {string} reason */
  #failed(seat, reason) {
    if (this.#next !== seat) return;
    this.#next = null;
    seat.worker.terminate();
    console.error(`valor: plugin ${seat.entry.name} could not be started: ${reason}`);
    this.reason = reason;
    if (this.#seat === null) this.state = "failed";
    this.onChange(this);
  }

  /** @param {Seat} seat */
  #crashed(seat) {
    if (this.#seat !== seat || this.#gone) return;
    this.#seat = null;
    seat.worker.terminate();
    if (this.#next !== null) return;
    this.#crashes = Date.now() - seat.since > PEACE ? 1 : this.#crashes + 1;
    const wait = pause(this.#crashes);
    console.error(`valor: the Worker of plugin ${this.entry.name} has ended`);
    this.state = wait === null ? "quarantined" : "backoff";
    this.onChange(this);
    if (wait === null) return;
    setTimeout(() => {
      if (!this.#gone && this.#next === null && this.#seat === null) this.#begin();
    }, wait);
  }

  /** Who answers finishes what it has and takes nothing more. */
  #drain() {
    const seat = this.#seat;
    this.#seat = null;
    if (seat === null) return;
    seat.port.postMessage({ type: "drain" });
    setTimeout(() => seat.worker.terminate(), (seat.entry.timeout_ms || DRAIN) + 1000);
  }
}
