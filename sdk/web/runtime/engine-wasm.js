// Rust plugins as core WebAssembly modules, the same bytes as on the server: one instance, which lives as long as this Worker.

import { instantiate } from "./valor-wasm.js";

/** @param {import("./protocol.js").Entry} entry */
export async function start({ name, entry, config }) {
  const response = await fetch(entry);
  if (!response.ok) throw new Error(`${entry} is answered with ${response.status}`);
  const plugin = await instantiate(await response.arrayBuffer(), { name, config });
  // A trap is its end, and so the Worker's: what is in flight is answered, and the host starts it again.
  void plugin.closed.then((error) => {
    reportError(error);
    close();
  });
  return {
    /** @param {import("./worker.js").Call} call */
    async answer({ signal, ...head }) {
      try {
        return await plugin.request(head, { signal });
      } catch (error) {
        // The answer of a crash is made by those who see the Worker end.
        if (plugin.dead) await new Promise(() => {});
        throw error;
      }
    },
  };
}
