// What `make test` has built for wasm32-unknown-unknown.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const target = process.env.VALOR_WASM ?? fileURLToPath(new URL("../../../../target/wasm32-unknown-unknown/release", import.meta.url));

/** @param {string} name the library's */
export function wasm(name) {
  return readFileSync(`${target}/${name}.wasm`);
}
