// What a request and a response become on their way through (`http/forward.rs` of valord).

/** @typedef {import("./protocol.js").Fields} Fields */

const NOT_FROM_CLIENTS =
  /^(host|expect|forwarded|x-request-id|x-real-ip|x-forwarded-.*|x-valor-.*|connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade)$/;

const NOT_FROM_PLUGINS =
  /^(service-worker-allowed|clear-site-data|strict-transport-security|alt-svc|set-cookie|connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade)$/;

/**
 * The client's request id if it can be written down as it is, else a new one.
 * @param {Headers} headers
 */
export function requestId(headers) {
  const theirs = headers.get("x-request-id");
  return theirs !== null && /^[!-~]{1,128}$/.test(theirs) ? theirs : newId();
}

let count = 0;
const start = hex(crypto.getRandomValues(new Uint32Array(2)));

/** 32 hexadecimal digits, as valord makes them. */
function newId() {
  count += 1;
  return start + count.toString(16).padStart(16, "0");
}

/** @param {Uint32Array} words */
function hex(words) {
  return [...words].map((word) => word.toString(16).padStart(8, "0")).join("");
}

/**
 * The request's fields as the plugin sees them.
 * @param {Headers} headers
 * @param {URL} url
 * @param {string} prefix
 * @param {string} id
 * @returns {Fields}
 */
export function inward(headers, url, prefix, id) {
  /** @type {Fields} */
  const fields = [...headers].filter(([name]) => !NOT_FROM_CLIENTS.test(name));
  fields.push(
    ["host", url.host],
    ["x-forwarded-host", url.host],
    ["x-forwarded-proto", url.protocol.slice(0, -1)],
    ["x-forwarded-prefix", prefix === "/" ? "" : prefix],
    ["x-request-id", id],
  );
  return fields;
}

/**
 * The response's fields as the page sees them. What is repeated is joined by the browser, and nothing of it is lost.
 * @param {Fields} fields
 * @param {string} plugin
 * @param {string} id
 * @throws {TypeError} when a name or a value is invalid
 */
export function outward(fields, plugin, id) {
  const headers = new Headers();
  for (const [name, value] of fields) {
    if (!NOT_FROM_PLUGINS.test(name.toLowerCase())) headers.append(name, value);
  }
  headers.set("x-valor-plugin", plugin);
  headers.set("x-correlation-id", id);
  headers.set("x-valor-runtime", "browser");
  return headers;
}
