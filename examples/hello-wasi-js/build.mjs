// node build.mjs OUT: hello.js as a component of the world wasi:http/proxy.

import { componentize } from "@bytecodealliance/componentize-js";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// jco has the interfaces of 0.2.12; the engine's own code is built for those of 0.2.10, which are the same.
const [HAS, WANTS] = ["0.2.12", "0.2.10"];
const builtin = new URL(`node_modules/@bytecodealliance/jco/lib/wit/builtin/${HAS}`, import.meta.url).pathname;

const wit = mkdtempSync(join(tmpdir(), "hello-wasi-js-"));
try {
  for (const name of readdirSync(builtin)) {
    const dir = join(wit, "deps", name);
    cpSync(join(builtin, name), dir, { recursive: true });
    const file = join(dir, "package.wit");
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(HAS, WANTS));
  }
  writeFileSync(join(wit, "world.wit"), `package example:hello;\nworld proxy { include wasi:http/proxy@${WANTS}; }\n`);
  const { component } = await componentize({
    sourcePath: "hello.js",
    witPath: wit,
    worldName: "proxy",
    enableFeatures: ["http", "fetch-event"],
  });
  writeFileSync(process.argv[2], component);
} finally {
  rmSync(wit, { recursive: true });
}
