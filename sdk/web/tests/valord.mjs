// The real valord, with plugins that the real `valorctl` has registered and published. What stands behind them is a plugin, too: it
// answers at `/`, is not published, and gives the pages of the site.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { testOn } from "./browser.mjs";
import { PAGE } from "./site.mjs";

const target = fileURLToPath(new URL("../../../target/", import.meta.url));
/** Where the programs are: those of `make build`. */
export const bin = process.env.VALOR_BIN ?? `${target}release`;
/** Where the modules are. */
export const wasm = process.env.VALOR_WASM ?? `${target}wasm32-unknown-unknown/release`;
export const examples = fileURLToPath(new URL("../../../examples/", import.meta.url));
export const component = process.env.VALOR_COMPONENT ?? `${bin}/hello_wasi.wasm`;
/** One of others, which only `daemon/tests/plugins/wasi` builds. */
export const foreign = `${bin}/foreign_wasi.wasm`;

for (const path of [`${bin}/valord`, `${bin}/valorctl`, `${bin}/valor-shim-js`, `${bin}/valor-shim-wasm`, `${wasm}/hello_plugin.wasm`, component, foreign]) {
  if (!existsSync(path)) throw new Error(`${path} is missing: make build, then sdk/web/tests/run`);
}

/** What browsers are never told. */
export const SECRET = "NOT-FOR-BROWSERS";

const BEHIND = `const page = ${JSON.stringify(PAGE)};
export default { fetch(request) {
  const { pathname, search } = new URL(request.url);
  if (pathname === "/") return new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } });
  return new Response("server " + request.method + " " + pathname + search);
} };`;

export class Valord {
  #dir = mkdtempSync(`${tmpdir()}/valor-web-`);
  #process = null;

  async start() {
    if (this.port === undefined) {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      this.port = server.address().port;
      server.close();
      await once(server, "close");
    }
    // A name, since browsers take it for a secure origin.
    this.origin = `http://localhost:${this.port}`;
    const args = ["--listen", `127.0.0.1:${this.port}`, "--control", `${this.#dir}/control.sock`, "--state-dir", `${this.#dir}/state`];
    this.#process = spawn(`${bin}/valord`, args, { stdio: ["ignore", "ignore", "pipe"] });
    this.log = "";
    this.#process.stderr.on("data", (part) => (this.log += part));
    for (let tries = 0; ; tries++) {
      if (await fetch(`${this.origin}/_health`).catch(() => null)) break;
      assert.ok(tries < 600 && this.#process.exitCode === null, `valord does not listen: ${this.log}`);
      await new Promise((done) => setTimeout(done, 100));
    }
    return this;
  }

  /** Ends it; its state stays for another start. */
  async halt() {
    if (this.#process?.exitCode !== null) return;
    const gone = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    await gone;
  }

  async stop() {
    await this.halt();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async ctl(...args) {
    const { stdout } = await promisify(execFile)(`${bin}/valorctl`, ["--wait-timeout", "150s", ...args], { env: { VALOR_CONTROL: `${this.#dir}/control.sock` } });
    return stdout;
  }

  /** In a directory of its own. */
  path(name) {
    return `${this.#dir}/${name}`;
  }

  /** A file with this text. */
  write(name, text) {
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  /** Registers the pages of the site. */
  behind() {
    return this.ctl("register", this.write("behind.js", BEHIND), "--name", "behind", "--prefix", "/");
  }

  /** Registers a file and publishes it. The same goes for the server's side, unless it is the server's own business. */
  publish(name, file, { config, prefix = `/${name}`, ...options } = {}) {
    const given = Object.entries(options).flatMap(([name, value]) => (value === true ? [`--${name}`] : [`--${name}`, value]));
    const both = config === undefined ? [] : ["--config", JSON.stringify(config), "--web-config", JSON.stringify(config)];
    return this.ctl("register", file, "--name", name, "--prefix", prefix, "--web", "--yes", ...both, ...given);
  }

  /** Registers a module of this text and publishes it. */
  publishText(name, text, more) {
    return this.publish(name, this.write(`${name}.js`, text), more);
  }
}

/** A test on a valord of its own, in which `publish` has registered the plugins. */
export function test(name, publish, body, { cold = false } = {}) {
  const start = async () => {
    const valord = await new Valord().start();
    try {
      await valord.behind();
      await publish(valord);
    } catch (error) {
      await valord.stop();
      throw error;
    }
    return valord;
  };
  testOn(name, start, { cold }, body);
}
