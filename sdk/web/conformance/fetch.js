export const tests = {
  async "fetch sends and receives"(t) {
    const response = await fetch(`${t.origin}/echo`, { method: "POST", body: "sent é", headers: { "content-type": "text/x" } });
    t.equal([response.status, response.ok, response.headers.get("content-type"), response.headers.get("x-method"), await response.text()], [200, true, "text/x", "POST", "sent é"]);
    t.equal([response.bodyUsed, response.url], [true, `${t.origin}/echo`]);
  },
  async "an error status is an answer"(t) {
    const response = await fetch(new Request(`${t.origin}/status/404`));
    t.equal([response.status, response.ok], [404, false]);
    await response.text();
  },
  async "bodies arrive in parts"(t) {
    let text = "";
    for await (const part of (await fetch(`${t.origin}/stream`)).body.pipeThrough(new TextDecoderStream())) text += part;
    t.equal(text, "abc");
  },
  async "headers of an answer cannot be changed"(t) {
    const response = await fetch(`${t.origin}/status/200`);
    await t.throws("TypeError", () => response.headers.set("x", "y"));
    t.equal(new Response(await response.blob(), response).status, 200);
  },
  async "a signal ends a fetch"(t) {
    const controller = new AbortController();
    const pending = fetch(`${t.origin}/never`, { signal: controller.signal });
    setTimeout(() => controller.abort(), 5);
    await t.throws("AbortError", () => pending);
    await t.throws("TimeoutError", () => fetch(`${t.origin}/never`, { signal: AbortSignal.timeout(5) }));
    await t.throws("AbortError", () => fetch(`${t.origin}/echo`, { signal: AbortSignal.abort() }));
  },
  async "redirects are followed, left alone or refused"(t) {
    const followed = await fetch(`${t.origin}/redirect`);
    t.equal([followed.status, await followed.text()], [200, ""]);
    const left = await fetch(`${t.origin}/redirect`, { redirect: "manual" });
    t.equal([left.status, left.ok, left.headers.get("location")], [302, false, "/status/200"]);
    await left.body?.cancel();
    await t.throws("TypeError", () => fetch(`${t.origin}/redirect`, { redirect: "error" }));
    const direct = await fetch(`${t.origin}/status/200`, { redirect: "error" });
    t.equal([direct.status, await direct.text()], [200, ""]);
  },
  async "what cannot be fetched rejects"(t) {
    await t.throws("TypeError", () => fetch("http://"));
    await t.throws("TypeError", () => fetch(`${t.origin}/echo`, { body: "x" }));
  },
};
