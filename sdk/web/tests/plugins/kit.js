/* valor
 * { "name": "kit", "version": "1.0.0" }
 */

// What the tests of the browser's runtime ask for.

let count = 0;

const encoder = new TextEncoder();

const ANSWERS = {
  "/echo": async (request) =>
    Response.json({ method: request.method, url: request.url, headers: [...request.headers], body: await request.text() }),
  "/count": () => new Response(String(++count)),
  "/env": (_, env) => Response.json(env),
  "/id": (request) => new Response(request.headers.get("x-request-id")),
  "/repeat": () => new Response("", { headers: [["x-many", "one"], ["x-many", "two"], ["link", "</a>"], ["link", "</b>"]] }),
  "/status": (request) => new Response(null, { status: Number(new URL(request.url).searchParams.get("code")) }),
  "/throw": () => {
    throw new RangeError("thrown on purpose");
  },
  "/nothing": () => null,
  "/slow": () => new Promise(() => {}),
  "/spin": () => {
    for (;;);
  },
  "/close": () => {
    self.close();
    return new Promise(() => {});
  },
  "/size": async (request) => {
    let size = 0;
    for await (const chunk of request.body) size += chunk.byteLength;
    return Response.json({ size });
  },
  "/large": (request) => {
    const size = Number(new URL(request.url).searchParams.get("size"));
    const part = new Uint8Array(1 << 16).fill(7);
    let sent = 0;
    return new Response(
      new ReadableStream({
        pull(controller) {
          controller.enqueue(part);
          sent += part.byteLength;
          if (sent >= size) controller.close();
        },
      }),
    );
  },
  "/mirror": (request) => new Response(request.body, { headers: { "content-type": "application/octet-stream" } }),
  "/events": (request) => {
    const { signal } = request;
    let timer;
    let number = 0;
    const stop = () => clearInterval(timer);
    signal.addEventListener("abort", () => {
      stop();
      aborted += 1;
    });
    const body = new ReadableStream({
      start(controller) {
        timer = setInterval(() => controller.enqueue(encoder.encode(`data: ${number++}\n\n`)), 20);
      },
      cancel: stop,
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  },
  "/aborted": () => new Response(String(aborted)),
  "/broken": () =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(encoder.encode("begun"));
          setTimeout(() => controller.error(new Error("broken on purpose")), 20);
        },
      }),
    ),
  "/other": (request) => fetch(new URL(request.url).searchParams.get("of")),
};

let aborted = 0;

export default {
  fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    return pathname in ANSWERS ? ANSWERS[pathname](request, env, ctx) : new Response(`kit ${pathname}`);
  },
};
