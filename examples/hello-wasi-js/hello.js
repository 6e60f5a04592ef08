// The engine of componentize-js (StarlingMonkey) hands each request to a listener, as service workers do.
addEventListener("fetch", (event) => {
  event.respondWith(new Response("OK response from a WASI component in JavaScript\n"));
});
