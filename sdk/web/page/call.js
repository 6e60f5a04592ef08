// One call, here or on the server.

/** What the service worker passes on to the server, whoever could answer. */
export const SERVER = "x-valor-server";

/** @typedef {{ method: string, path: string, headers: string, body: string }} Call */
/** @typedef {{ status?: number, headers?: [string, string][], text: string, time: number }} Answer */

/** Of more, only the beginning is shown. */
const SHOWN = 1 << 20;

/** @param {Call} call @param {boolean} server @returns {Promise<Answer>} */
export async function call({ method, path, headers, body }, server) {
  const begun = performance.now();
  try {
    const fields = new Headers(headers.split("\n").filter((line) => line.includes(":")).map((line) => /** @type {[string, string]} */ ([line.slice(0, line.indexOf(":")).trim(), line.slice(line.indexOf(":") + 1).trim()])));
    if (server) fields.set(SERVER, "1");
    const bare = method === "GET" || method === "HEAD";
    const response = await fetch(path, { method, headers: fields, body: bare ? undefined : body, cache: "no-store" });
    const time = performance.now() - begun;
    return { status: response.status, headers: [...response.headers], text: await beginning(response), time };
  } catch (error) {
    return { text: String(error), time: performance.now() - begun };
  }
}

/** @param {Response} response */
async function beginning(response) {
  if (response.body === null) return "";
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  // An answer without an end, such as server-sent events, is shown as it is after two seconds.
  const stop = setTimeout(() => reader.cancel(), 2000);
  for (let part = await reader.read(); !part.done && text.length < SHOWN; part = await reader.read()) text += decoder.decode(part.value, { stream: true });
  clearTimeout(stop);
  void reader.cancel();
  return text;
}
