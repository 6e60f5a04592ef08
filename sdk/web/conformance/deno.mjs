// Runs the suite in Deno, with the server that it fetches from, and prints what became of each test as JSON in its last line:
// deno run --allow-net=127.0.0.1 --allow-read=FOLDER deno.mjs MODULE...
import { run } from "./runner.js";

async function answer(request) {
  const { pathname } = new URL(request.url);
  switch (pathname) {
    case "/echo": {
      const type = request.headers.get("content-type");
      const headers = { "x-method": request.method, ...(type && { "content-type": type }) };
      return new Response(await request.bytes(), { headers });
    }
    case "/stream":
      return new Response(ReadableStream.from(["a", "b", "c"]).pipeThrough(new TextEncoderStream()));
    case "/redirect":
      return new Response(null, { status: 302, headers: { location: "/status/200" } });
    case "/never":
      return new Promise(() => {});
    default:
      return new Response(null, { status: Number(pathname.slice("/status/".length)) });
  }
}

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, answer);
const origin = `http://127.0.0.1:${server.addr.port}`;
const results = {};
for (const module of Deno.args) {
  const { tests } = await import(`./${module}`);
  Object.assign(results, await run(tests, origin));
}
console.log(JSON.stringify(results));
Deno.exit(0);
