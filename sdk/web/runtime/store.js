// What is kept for the time without a network, in the Cache API: the runtime, the published files, and pages that asked for it.

import { BASE } from "./protocol.js";

const RUNTIME = "valor";
const SITE = "valor-site";
const MANIFEST = `${BASE}manifest.json`;
const PLUGINS = `${BASE}plugins/`;

/**
 * Answers a request below `/_valor/`: a plugin's file, whose name is its content, from the cache; the rest from the network first.
 * @param {Request} request
 */
export async function own(request) {
  const cache = await caches.open(RUNTIME);
  const { pathname } = new URL(request.url);
  if (pathname.startsWith(PLUGINS)) {
    const kept = await cache.match(pathname);
    if (kept) return kept;
  }
  return networkFirst(cache, request, pathname);
}

/** Answers a request for a kept page or one of its parts. @param {Request} request */
export async function site(request) {
  return networkFirst(await caches.open(SITE), request, request.url);
}

/**
 * @param {Cache} cache
 * @param {Request} request
 * @param {string} key
 */
async function networkFirst(cache, request, key) {
  try {
    const response = await fetch(request);
    if (response.ok && response.type === "basic" && !response.redirected) await cache.put(key, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(key);
    if (kept) return kept;
    throw error;
  }
}

/** The manifest of the last time, or null. */
export async function manifest() {
  const cache = await caches.open(RUNTIME);
  return (await (await cache.match(MANIFEST))?.json()) ?? null;
}

/** URLs of the pages that are kept, and of their parts. @returns {Promise<Set<string>>} */
export async function kept() {
  return new Set((await (await caches.open(SITE)).keys()).map((request) => request.url));
}

/**
 * Keeps what was loaded before there was a service worker, or what a page asks for.
 * @param {string[]} urls
 * @param {boolean} ofSite a page and its parts, not the runtime
 */
export async function keep(urls, ofSite) {
  const cache = await caches.open(ofSite ? SITE : RUNTIME);
  await Promise.all(
    urls.map(async (url) => {
      const key = ofSite ? url : new URL(url).pathname;
      if (!ofSite && (await cache.match(key))) return;
      const response = await fetch(url);
      if (response.ok) await cache.put(key, response);
    }),
  );
}

/** Removes all that is kept. */
export async function forget() {
  await Promise.all([caches.delete(RUNTIME), caches.delete(SITE)]);
}

/** Removes the files of what is no longer published. @param {import("./protocol.js").Entry[]} entries */
export async function prune(entries) {
  const digests = new Set(entries.map((entry) => entry.digest));
  const cache = await caches.open(RUNTIME);
  for (const request of await cache.keys()) {
    const { pathname } = new URL(request.url);
    const digest = pathname.slice(PLUGINS.length).split(/[./]/)[0];
    if (pathname.startsWith(PLUGINS) && !digests.has(digest)) await cache.delete(request);
  }
}
