// What a page loads: `<script type="module" src="/_valor/valor.js"></script>`, and then `await valor.ready()`.

import { BASE, CHANNEL, PROTOCOL } from "./protocol.js";
import { hostWhenItIsOurTurn } from "./host.js";

/** @typedef {import("./protocol.js").Entry} Entry */
/** @typedef {{ name: string, prefix: string, kind: string, mode: string, state: string, reason?: string }} Plugin */

/** How long the service worker may take to answer before it is asked again. */
const PATIENCE = 5000;

const container = navigator.serviceWorker;
const channel = new BroadcastChannel(CHANNEL);

/** @type {Promise<any>} */
const manifest = fetch(`${BASE}manifest.json`, { cache: "no-cache" }).then((response) => {
  if (!response.ok) throw new Error(`valor: no manifest (${response.status}): is anything published?`);
  return response.json();
});

const started = start();
started.catch(() => {});

/** @returns {Promise<boolean>} whether anything can be answered in this browser */
async function start() {
  const { version, plugins, elsewhere, service_worker: url = `${BASE}sw.js` } = await manifest;
  if (container === undefined || navigator.locks === undefined) {
    console.warn("valor: no service worker here (it needs https or localhost): the server answers");
    return false;
  }
  if (version !== 1) {
    console.warn(`valor: the manifest has version ${version}, which is not known here: the server answers`);
    return false;
  }
  if (plugins.length === 0 && !(await container.getRegistration("/"))) return false;
  await container.register(url, { scope: "/", type: "module", updateViaCache: "none" });
  await controlled();
  channel.postMessage({ type: "manifest" });
  hostWhenItIsOurTurn({ plugins, elsewhere });
  container.startMessages();
  void say("keep", { urls: loaded().filter((loaded) => new URL(loaded).pathname.startsWith(BASE)) });
  return true;
}

/** When a service worker answers this page; after a forced reload it has to be told to. */
async function controlled() {
  const { active } = await container.ready;
  if (container.controller) return;
  const changed = new Promise((resolve) => container.addEventListener("controllerchange", resolve, { once: true }));
  active?.postMessage({ valor: PROTOCOL, type: "claim" });
  if (!container.controller) await changed;
}

/** What this page has loaded from here. */
function loaded() {
  const urls = performance.getEntriesByType("resource").map((entry) => entry.name);
  return [...new Set([...urls, import.meta.url])].filter((url) => url.startsWith(`${location.origin}/`));
}

/** Asks the service worker. It may be stopped before it answers, and is asked again then. @param {string} type @param {object} [message] */
async function say(type, message = {}) {
  for (;;) {
    const { port1, port2 } = new MessageChannel();
    const answer = new Promise((resolve) => {
      port1.onmessage = ({ data }) => resolve([data]);
      setTimeout(() => resolve(null), PATIENCE);
    });
    container.controller?.postMessage({ valor: PROTOCOL, type, ...message }, [port2]);
    const answered = await answer;
    port1.close();
    if (answered) return answered[0];
  }
}

/** The published plugins and how each of them is. @returns {Promise<Plugin[]>} */
async function plugins() {
  if (!(await started)) {
    const { plugins } = await manifest;
    return plugins.map((/** @type {Entry} */ entry) => plugin({ entry, state: "unsupported" }));
  }
  return (await say("status")).map(plugin);
}

/** @param {{ entry: Entry, state: string, reason?: string }} report @returns {Plugin} */
function plugin({ entry: { name, prefix, kind, mode }, state, reason }) {
  return { name, prefix, kind, mode, state, reason };
}

export const valor = Object.freeze({
  /**
   * Resolves when the local plugins answer, with all that are published. One that could not be started has a `reason`; the server
   * answers for it. Where a browser cannot do it, the server answers everything, and this resolves, too.
   */
  ready: plugins,
  plugins,

  /** Keeps this page and what it has loaded from its own origin, so that it can be loaded without a network. @param {string[]} more URLs */
  async offline(more = []) {
    if (!(await started)) throw new Error("valor: this page has no service worker");
    const site = [location.href.split("#")[0], ...loaded(), ...more.map((url) => new URL(url, location.href).href)];
    const urls = [...new Set(site)].filter((url) => !new URL(url).pathname.startsWith("/_"));
    const error = await say("keep", { urls, site: true });
    if (error) throw new Error(`valor: the page could not be kept: ${error}`);
  },

  /** Looks for new versions of the plugins. Every load of a page does so, too. */
  update: () => channel.postMessage({ type: "manifest" }),
});

/** @type {any} */ (globalThis).valor = valor;
export const { ready, offline, update } = valor;
