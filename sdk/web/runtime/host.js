// One page of the origin hosts the Workers: whoever has the lock. When it goes, the next one starts them anew.

import { BASE, CHANNEL, HOST_LOCK, PROTOCOL } from "./protocol.js";
import { Process } from "./process.js";
import { same } from "./rules.js";

/** @typedef {import("./protocol.js").Entry} Entry */

const container = navigator.serviceWorker;

/** Hosts the Workers when no other page does. @param {Entry[]} entries the manifest's */
export function hostWhenItIsOurTurn(entries) {
  void navigator.locks.request(HOST_LOCK, async () => {
    const host = new Host();
    host.publish(entries);
    host.listen();
    // Until this page is gone.
    await new Promise(() => {});
  });
}

class Host {
  /** @type {Map<string, Process>} by the plugin's name */
  #processes = new Map();
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

  /** What is published now is what runs; what has not changed keeps running. @param {Entry[]} entries */
  publish(entries) {
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
    const manifest = await response.json();
    if (response.ok && manifest.version === 1) this.publish(manifest.plugins);
  }

  #announce() {
    this.#say({ type: "snapshot", reports: [...this.#processes.values()].map((process) => process.report()) });
  }

  /** @param {any} message */
  #say(message) {
    const reports = message.reports ?? [message.report];
    const ports = reports.map((/** @type {any} */ report) => report.port).filter(Boolean);
    container.controller?.postMessage({ valor: PROTOCOL, ...message }, ports);
  }
}
