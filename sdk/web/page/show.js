// How an answer looks.

/** @typedef {import("./call.js").Answer} Answer */

/** @param {string} name @param {Record<string, string>} attributes @param {(Node | string)[]} children */
export function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Shows an answer; fields that the other one has not, or has otherwise, are marked. @param {HTMLElement} side @param {Answer} answer @param {Answer} other */
export function show(side, { status, headers = [], text, time }, other) {
  const theirs = new Map(other.headers ?? []);
  const rows = headers.map(([name, value]) => element("tr", theirs.get(name) === value ? {} : { class: "differs" }, element("td", {}, name), element("td", {}, value)));
  const word = status === undefined ? "no answer" : String(status);
  side.lastElementChild?.replaceChildren(
    element("p", { class: "line" }, element("span", { class: `status ${status !== undefined && status < 400 ? "good" : "bad"}` }, word), element("span", { class: "time" }, `${time.toFixed(1)} ms`)),
    element("table", {}, element("tbody", {}, ...rows)),
    element("pre", {}, pretty(headers, text)),
  );
}

/** @param {[string, string][]} headers @param {string} text */
function pretty(headers, text) {
  const type = new Map(headers).get("content-type") ?? "";
  if (!/\bjson\b/.test(type)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
