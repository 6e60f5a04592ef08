// WASI components (`wasi:http/proxy`), transpiled to JavaScript and core modules: an instance a request, as on the server.
// A guest that waits is suspended by JSPI. Bodies are whole: an answer appears when the guest has made it.

import * as cli from "./vendor/preview2-shim/cli.js";
import * as clocks from "./vendor/preview2-shim/clocks.js";
import * as http from "./vendor/preview2-shim/http.js";
import * as io from "./vendor/preview2-shim/io.js";
import * as random from "./vendor/preview2-shim/random.js";

/** No files, but many components ask whether there are any. */
const filesystem = {
  preopens: { getDirectories: () => [] },
  types: { Descriptor: class {}, DirectoryEntryStream: class {}, filesystemErrorCode() {} },
};

/** @type {Record<string, any>} */
const PACKAGES = { cli, clocks, filesystem, http, io, random };

/** What a component imports, by names such as `wasi:http/types`, with or without a version. */
const imports = new Proxy(/** @type {Record<string, any>} */ ({}), {
  get(_, /** @type {string} */ name) {
    const [, group, part] = /^wasi:([a-z-]+)\/([a-z-]+)(@|$)/.exec(name) ?? [];
    const found = PACKAGES[group]?.[camel(part)];
    if (found === undefined) throw new TypeError(`the component imports ${name}, which is not there in a browser`);
    return found;
  },
});

/** @param {string} name */
function camel(name) {
  return name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
}

/** So many instances wait for their request: memory is kept for each. */
const SPARE = 2;
/** A guest may ask for as much as there is by asking for 2⁶⁴ − 1 bytes, which the shim refuses. */
const MOST = 1n << 20n;
bounded(/** @type {any} */ (io).streams.InputStream, 0, ["read", "blockingRead", "skip", "blockingSkip"]);
bounded(/** @type {any} */ (io).streams.OutputStream, 1, ["splice", "blockingSplice"]);

/** @param {any} type @param {number} at which argument is a length @param {string[]} methods */
function bounded({ prototype }, at, methods) {
  for (const name of methods) {
    const original = prototype[name];
    prototype[name] = function (/** @type {any[]} */ ...given) {
      if (given[at] > MOST) given[at] = MOST;
      return original.apply(this, given);
    };
  }
}

/** Trailers that are empty are none; the shim refuses them all. */
const { OutgoingBody } = /** @type {any} */ (http).types;
const finish = OutgoingBody.finish;
OutgoingBody.finish = (/** @type {any} */ body, /** @type {any} */ trailers) =>
  finish.call(OutgoingBody, body, trailers?.entries().length === 0 ? undefined : trailers);

/** @param {import("./protocol.js").Entry} entry */
export async function start({ name, entry, config }) {
  const { _setArgs, _setEnv } = /** @type {any} */ (cli);
  _setArgs([name]);
  _setEnv(config === null ? {} : { VALOR_CONFIG: JSON.stringify(config) });
  const { instantiate } = await import(entry);
  /** @type {Map<string, Promise<WebAssembly.Module>>} */
  const modules = new Map();
  const module = (/** @type {string} */ name) => {
    const url = new URL(name, location.origin + entry);
    if (!modules.has(name)) modules.set(name, WebAssembly.compileStreaming(fetch(url)));
    return modules.get(name);
  };
  const make = async () => (await instantiate(module, imports)).incomingHandler.handle;
  // The first one shows that all of it is there, and has compiled everything.
  const spare = [await make()];
  /** One that nobody has used; while it works, the next one is made. */
  const take = async () => {
    const taken = spare.pop() ?? (await make());
    // A failure shows where it is needed.
    setTimeout(() => spare.length === 0 && make().then((made) => spare.length < SPARE && spare.push(made), () => {}));
    return taken;
  };
  return {
    /** @param {import("./worker.js").Call} call */
    async answer({ method, target, headers, body, signal }) {
      const fields = new Headers(headers);
      const init = { method, headers: fields, body, signal, duplex: "half" };
      const request = new Request(location.origin + target, /** @type {any} */ (init));
      Object.defineProperty(request, "headers", { value: fields });
      const response = await http.handleIncomingRequest(request, await take());
      return { status: response.status, headers: /** @type {[string, string][]} */ ([...response.headers]), body: response.body };
    },
  };
}
