// The developers' page: the published plugins, each called here and on the server, side by side.

import { valor } from "/_valor/valor.js";
import { call } from "./call.js";
import { element, show } from "./show.js";

const $ = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const form = /** @type {HTMLFormElement} */ ($("form"));
const field = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));

/** @type {any} */
let chosen = null;

new BroadcastChannel("valor").addEventListener("message", ({ data }) => {
  if (data.type === "error") told(data);
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void both();
});

list(await valor.ready());
// States change: a plugin is started again, replaced, or was not ready in time.
setInterval(async () => list(await valor.plugins()), 2000);

/** @param {any[]} plugins */
function list(plugins) {
  const ready = plugins.filter(({ state, mode }) => state === "ready" && mode !== "server").length;
  $("status").textContent = `${plugins.length} published, ${ready} answered in this browser`;
  $("empty").hidden = plugins.length > 0;
  $("call").hidden = plugins.length === 0;
  $("plugins").replaceChildren(...plugins.map(item));
  if (chosen === null && plugins.length > 0) choose(plugins[0]);
}

/** @param {any} plugin */
function item(plugin) {
  const { name, prefix, kind, mode, state, reason } = plugin;
  const where = mode === "server" ? "server" : state;
  const button = element("button", {}, element("b", {}, name), element("span", { class: `state ${where}` }, where), element("small", {}, `${prefix} · ${kind} · ${mode}`));
  if (reason) button.append(element("small", { class: "reason" }, reason));
  if (chosen?.name === name) button.setAttribute("aria-current", "true");
  button.onclick = () => {
    choose(plugin);
    refresh();
  };
  return element("li", {}, button);
}

function refresh() {
  void valor.plugins().then(list);
}

/** @param {any} plugin */
function choose(plugin) {
  chosen = plugin;
  field("path").value = plugin.prefix;
  $("verdict").textContent = "";
  for (const side of ["browser", "server"]) $(side).lastElementChild?.replaceChildren(element("p", { class: "hint" }, "Not called yet"));
  for (const button of $("plugins").querySelectorAll("button")) {
    button.toggleAttribute("aria-current", button.querySelector("b")?.textContent === plugin.name);
  }
}

async function both() {
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
  button.disabled = true;
  const request = { method: field("method").value, path: field("path").value, headers: field("headers").value, body: field("body").value };
  const [here, there] = await Promise.all([call(request, false), call(request, true)]);
  show($("browser"), here, there);
  show($("server"), there, here);
  const same = here.status === there.status && here.text === there.text;
  const local = here.headers?.some(([name, value]) => name === "x-valor-runtime" && value === "browser");
  $("verdict").className = same && local ? "same" : "differs";
  $("verdict").textContent = !local ? "This browser did not answer: both come from the server" : same ? "Status and body are the same" : "Status or body differ";
  button.disabled = false;
}

/** An error of a plugin, with its stack. @param {{ plugin: string, request_id?: string, stack: string }} error */
function told({ plugin, request_id: id, stack }) {
  $("errors").hidden = false;
  const list = /** @type {HTMLElement} */ ($("errors").querySelector("ol"));
  list.prepend(element("li", {}, element("b", {}, plugin), element("small", { class: "state" }, id ? ` request ${id}` : ""), element("pre", {}, stack)));
  while (list.children.length > 20) list.lastElementChild?.remove();
}
