// What the service worker knows: who is published, and the links to who is running. It may be stopped at any moment, and
// then knows nothing: the manifest is in the cache, and whoever hosts the Workers is asked for new links.

import { HOST_LOCK, PROTOCOL } from "./protocol.js";
import { Link } from "./link.js";
import { find, table } from "./routes.js";
import * as store from "./store.js";

/** @typedef {import("./protocol.js").Entry} Entry */
/** @typedef {import("./protocol.js").State} State */
/** @typedef {{ entry: Entry, state: State, reason?: string, generation?: number, lock?: string, port?: MessagePort }} Report */

/** How long a host may take to say who is running. */
const PATIENCE = 2000;

const scope = /** @type {any} */ (globalThis);

class Router {
  /** @type {Map<string, Entry | null>} */
  #byPrefix = new Map();
  /** @type {Map<string, Report>} by the plugin's name */
  #reports = new Map();
  /** @type {Map<string, Link>} */
  #links = new Map();
  /** @type {Promise<void> | null} */
  #asking = null;
  #heard = () => {};
  /** @type {(() => void)[]} */
  #watchers = [];
  /** Whether a host has said who is running. */
  #told = false;
  /** URLs of the site that are kept. @type {Set<string>} */
  kept = new Set();
  /** Whether the manifest is known. */
  awake = false;
  #waking = this.#wake();

  async #wake() {
    const [manifest, kept] = await Promise.all([store.manifest(), store.kept()]);
    if (!this.awake) this.#publish(manifest?.version === 1 ? manifest : { plugins: [] });
    this.kept = kept;
    this.awake = true;
  }

  /** When the manifest is known. */
  get ready() {
    return this.#waking;
  }

  /** @param {string} path */
  find(path) {
    return find(this.#byPrefix, path);
  }

  /**
   * The way to a plugin, or why there is none.
   * @param {Entry} entry
   * @param {boolean} patient whether to wait for one that is starting
   * @returns {Promise<Link | Report>}
   */
  async link(entry, patient) {
    const { name } = entry;
    if (!this.#links.has(name) && !this.#reports.has(name)) await this.ask();
    while (patient && !this.#links.has(name) && this.#reports.get(name)?.state === "starting") await this.#change();
    return this.#links.get(name) ?? this.#reports.get(name) ?? { entry, state: "starting" };
  }

  /** Asks whoever hosts the Workers, if anybody does. */
  ask() {
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #ask() {
    const { held } = await navigator.locks.query();
    if (!held?.some((lock) => lock.name === HOST_LOCK)) return;
    const heard = new Promise((resolve) => (this.#heard = () => resolve(null)));
    await this.tell({ type: "need" });
    await Promise.race([heard, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
  }

  /** Says something to all pages. @param {object} message */
  async tell(message) {
    const clients = await scope.clients.matchAll({ type: "window", includeUncontrolled: true });
    for (const client of clients) client.postMessage({ valor: PROTOCOL, ...message });
  }

  /** The host says who is running, all of them. @param {Report[]} reports @param {string[]} [elsewhere] */
  snapshot(reports, elsewhere) {
    this.#publish({ plugins: reports.map((report) => report.entry), elsewhere });
    for (const report of reports) this.#take(report);
    const names = new Set(reports.map((report) => report.entry.name));
    for (const [name, link] of this.#links) {
      if (!names.has(name)) this.#drop(name, link);
    }
    for (const name of this.#reports.keys()) if (!names.has(name)) this.#reports.delete(name);
    this.awake = true;
    this.#told = true;
    this.#heard();
    this.#changed();
  }

  /** The host says what has become of one. @param {Report} report */
  plugin(report) {
    this.#take(report);
    this.#changed();
  }

  /** @param {Report} report */
  #take(report) {
    const { name } = report.entry;
    this.#reports.set(name, report);
    const old = this.#links.get(name);
    if (report.port) {
      this.#links.set(name, new Link(name, report.generation ?? 0, report.lock ?? "", report.port, (link) => this.#gone(link)));
      old?.retire();
    } else if (old && report.state !== "ready") {
      this.#drop(name, old);
    }
  }

  /** @param {{ plugins: Entry[], elsewhere?: string[] }} manifest */
  #publish({ plugins, elsewhere }) {
    this.#byPrefix = table(plugins, elsewhere);
  }

  get #entries() {
    return [...this.#byPrefix.values()].filter((entry) => entry !== null);
  }

  /** @param {string} name @param {Link} link */
  #drop(name, link) {
    this.#links.delete(name);
    link.retire();
  }

  /** Its Worker is no more. The host will say what comes next, if it is still there. @param {Link} link */
  #gone(link) {
    if (this.#links.get(link.name) !== link) return;
    this.#links.delete(link.name);
    this.#reports.delete(link.name);
    this.#changed();
  }

  /** Who is published, and how it is. @returns {Report[]} */
  list() {
    return this.#entries.map((entry) => {
      const { state = "starting", reason } = this.#reports.get(entry.name) ?? {};
      return { entry, state: entry.mode === "server" ? "ready" : state, reason };
    });
  }

  /** When nobody is starting any more. */
  async settled() {
    const unknown = () => !this.#told || this.#entries.some(({ name }) => !this.#reports.has(name));
    if (unknown()) await this.ask();
    while (unknown() || this.list().some((report) => report.state === "starting")) await this.#change();
  }

  #change() {
    return new Promise((resolve) => this.#watchers.push(() => resolve(null)));
  }

  #changed() {
    for (const wake of this.#watchers.splice(0)) wake();
  }
}

export const router = new Router();
