// One page of the origin hosts the Workers: whoever has the lock. When it goes, the next one starts them anew.

import { BASE, CHANNEL, HOST_LOCK, PROTOCOL } from "./protocol.js";
import { Process } from "./process.js";
import { same } from "./rules.js";

/** @typedef {import("./protocol.js").Entry} Entry */
/** @typedef {{ plugins: Entry[], elsewhere?: string[] }} Manifest */

const container = navigator.serviceWorker;

/** Hosts the Workers when no other page does. @param {Manifest} manifest */
export function hostWhenItIsOurTurn(manifest) {
  void navigator.locks.request(HOST_LOCK, async () => {
    const host = new Host();
    host.publish(manifest);
    host.listen();
    // Until this page is gone.
    await new Promise(() => {});
  });
}

class Host {
  /** @type {Map<string, Process>} by the plugin's name */
  #processes = new Map();
  /** Prefixes that only the server answers. @type {string[] | undefined} */
  #elsewhere;
  /** @type {Promise<void>} */
  #updating = Promise.resolve();

  listen() {
    container.addEventListener("message", ({ data }) => {
      if (data?.valor !== PROTOCOL) return;
      if (data.type === "need") this.#announce();
      if (data.type === "hung") this.#processes.get(data.name)?.end(data.generation);
    });
    container.addEventListener("controllerchange", () => this.#announce());
    new BroadcastChannel(CHANNEL).addEventListener("message", ({ data }) => {
      if (data.type === "manifest") this.#updating = this.#updating.then(() => this.#update()).catch(console.warn);
    });
  }

  /** What is published now is what runs; what has not changed keeps running. @param {Manifest} manifest */
  publish({ plugins: entries, elsewhere }) {
    this.#elsewhere = elsewhere;
    const names = new Set(entries.map((entry) => entry.name));
    for (const [name, process] of this.#processes) {
      if (names.has(name)) continue;
      process.retire();
      this.#processes.delete(name);
    }
    for (const entry of entries) {
      const process = this.#processes.get(entry.name);
      if (process && same(process.entry, entry)) continue;
      if (process) process.replace(entry);
      else this.#processes.set(entry.name, new Process(entry, (process) => this.#say({ type: "plugin", report: process.report() })));
    }
    this.#announce();
  }

  async #update() {
    const response = await fetch(`${BASE}manifest.json`, { cache: "no-cache" });
    // Where nothing is published any more, there is no manifest either.
    if (response.status === 404) return this.publish({ plugins: [] });
    const manifest = await response.json();
    if (response.ok && manifest.version === 1) this.publish(manifest);
  }

  #announce() {
    const reports = [...this.#processes.values()].map((process) => process.report());
    this.#say({ type: "snapshot", reports, elsewhere: this.#elsewhere });
  }

  /** @param {any} message */
  #say(message) {
    const reports = message.reports ?? [message.report];
    const ports = reports.map((/** @type {any} */ report) => report.port).filter(Boolean);
    container.controller?.postMessage({ valor: PROTOCOL, ...message }, ports);
  }
}
