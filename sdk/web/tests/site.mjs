// A static host with the URLs of `/_valor/`, as `sdk/web/README.md` describes them, and a server behind it that stands for valord.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const web = fileURLToPath(new URL("..", import.meta.url));
const TYPES = { ".js": "text/javascript; charset=utf-8", ".wasm": "application/wasm", ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8" };
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

export const PAGE = `<!doctype html><meta charset="utf-8"><title>site</title><script type="module" src="/_valor/valor.js"></script><p>a site</p>`;

/** The plugin of a file of `plugins/` or of a text. */
export function plugin(name, source, more = {}) {
  const digest = createHash("sha256").update(source).digest("hex");
  const kind = more.kind ?? "js";
  const entry = { name, prefix: `/${name}`, kind, mode: "local-with-fallback", digest, entry: `/_valor/plugins/${digest}.${kind}`, config: null, timeout_ms: 30000, ...more };
  return { entry, source };
}

export async function fixture(name, more = {}) {
  const source = await readFile(new URL(`plugins/${more.file ?? name}.js`, import.meta.url));
  const { file, ...rest } = more;
  return plugin(name, source, rest);
}

/** Serves `plugins` (of `plugin`) and counts what reaches the server. */
export class Site {
  /** Requests that came to the server and are not the runtime's. @type {string[]} */
  seen = [];
  /** What stands behind: `(request, response, body) => void`. */
  behind = (request, response) => response.writeHead(200, { "x-valor-runtime": "server" }).end(`server ${request.method} ${request.url}`);
  pages = new Map([["/", PAGE]]);
  headers = {};

  constructor(plugins, { root = false } = {}) {
    this.publish(plugins);
    this.root = root;
  }

  publish(plugins) {
    this.plugins = plugins;
  }

  get manifest() {
    const manifest = { version: 1, plugins: this.plugins.map((plugin) => plugin.entry) };
    return this.root ? { ...manifest, service_worker: "/sw.js" } : manifest;
  }

  async start() {
    this.server = createServer((request, response) => this.#answer(request, response).catch((error) => response.destroy(error)));
    await new Promise((done) => this.server.listen(0, "127.0.0.1", done));
    this.origin = `http://localhost:${this.server.address().port}`;
    return this;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(done));
  }

  async #answer(request, response) {
    const { pathname } = new URL(request.url, this.origin);
    const send = (type, body, headers = {}) => response.writeHead(200, { "content-type": type, "cache-control": "no-cache", "x-content-type-options": "nosniff", ...headers }).end(body);
    if (this.pages.has(pathname)) return send(TYPES[extname(pathname)] ?? TYPES[".html"], this.pages.get(pathname), this.headers);
    if (pathname === "/_valor/manifest.json") return send("application/json", JSON.stringify(this.manifest));
    if (this.root && pathname === "/sw.js") return send(TYPES[".js"], 'import "/_valor/sw.js";');
    const published = this.plugins.find((plugin) => plugin.entry.entry === pathname);
    if (published) return send(TYPES[extname(pathname)], published.source, { "cache-control": "public, max-age=31536000, immutable" });
    if (pathname === "/favicon.ico") return response.writeHead(204).end();
    if (!pathname.startsWith("/_valor/")) {
      this.seen.push(`${request.method} ${request.url}`);
      return this.behind(request, response);
    }
    const name = normalize(pathname.slice("/_valor/".length));
    const file = pathname === "/_valor/" ? "page/index.html" : name.startsWith("page/") || name.startsWith("../conformance/") ? name : join("runtime", name);
    let text;
    try {
      text = await readFile(join(web, file));
    } catch {
      return response.writeHead(404).end();
    }
    const extra = name === "sw.js" && !this.root ? { "service-worker-allowed": "/" } : {};
    if (pathname === "/_valor/") extra["content-security-policy"] = PAGE_POLICY;
    if (name === "worker.js") Object.assign(extra, { "content-security-policy": "script-src 'self' 'wasm-unsafe-eval'; object-src 'none'", "cross-origin-embedder-policy": "require-corp" });
    send(TYPES[extname(file)] ?? "application/octet-stream", text, extra);
  }
}
