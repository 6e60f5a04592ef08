// The service worker: valord in the browser. A module, registered by `valor.js`.

import { BASE, PROTOCOL } from "./protocol.js";
import { dispatch } from "./dispatch.js";
import { router } from "./router.js";
import * as store from "./store.js";

const scope = /** @type {any} */ (globalThis);

scope.addEventListener("install", () => scope.skipWaiting());
scope.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(scope.clients.claim()));

scope.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (url.pathname.startsWith(BASE)) {
    if (request.method === "GET") event.respondWith(own(request, url));
    return;
  }
  if (url.pathname.startsWith("/_")) return;
  const plugin = !router.awake || router.find(url.pathname) !== null;
  const kept = request.method === "GET" && (!router.awake || router.kept.has(request.url));
  // What is not ours goes to the network as if there was no service worker.
  if (plugin || kept) event.respondWith(answer(event, url));
});

/** Files without which there is no site. */
const ESSENTIAL = [`${BASE}valor.js`, `${BASE}manifest.json`];

/** @param {Request} request @param {URL} url */
async function own(request, { pathname }) {
  const response = await store.own(request);
  if (response.status === 404 && ESSENTIAL.includes(pathname)) {
    // Nothing is published any more, and nobody will say so again: the server has everything from now on.
    router.snapshot([]);
    await store.forget();
    await scope.registration.unregister();
  }
  return response;
}

/** @param {any} event @param {URL} url */
async function answer(event, url) {
  await router.ready;
  if (router.find(url.pathname) === null && router.kept.has(event.request.url)) return store.site(event.request);
  return dispatch(event, url);
}

scope.addEventListener("message", (/** @type {any} */ event) => {
  const { valor, type, ...message } = event.data ?? {};
  if (valor !== PROTOCOL) return;
  switch (type) {
    case "claim":
      return event.waitUntil(scope.clients.claim());
    case "snapshot":
      router.snapshot(message.reports, message.elsewhere);
      return event.waitUntil(store.prune(message.reports.map((/** @type {any} */ report) => report.entry)));
    case "plugin":
      return router.plugin(message.report);
    case "status":
      return event.waitUntil(router.settled().then(() => event.ports[0].postMessage(router.list())));
    case "keep":
      return event.waitUntil(keep(message.urls, message.site, event.ports[0]));
  }
});

/** @param {string[]} urls @param {boolean} ofSite @param {MessagePort} [port] */
async function keep(urls, ofSite, port) {
  try {
    await store.keep(urls, ofSite);
    router.kept = await store.kept();
    port?.postMessage(null);
  } catch (error) {
    port?.postMessage(String(error));
  }
}
