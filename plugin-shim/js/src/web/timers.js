// setTimeout and its kin (HTML standard, section 8.6).
import host from "valor:host";
import { reportError } from "valor:console";

const timers = new Map();

function start(callback, delay, args, repeat) {
  if (typeof callback !== "function") throw new TypeError("a timer's callback is no function: text is not evaluated");
  const ms = Math.min(Math.max(Number(delay) || 0, 0), 2 ** 31 - 1);
  const id = host.startTimer(ms);
  timers.set(id, { callback, args, repeat: repeat ? Math.max(ms, 1) : null });
  return id;
}

export const setTimeout = (callback, delay = 0, ...args) => start(callback, delay, args, false);
export const setInterval = (callback, delay = 0, ...args) => start(callback, delay, args, true);
export const clearTimeout = (id) => {
  if (timers.delete(id)) host.stopTimer(id);
};
export const clearInterval = clearTimeout;

/** The engine says that a timer is due. */
export function onTimer(id) {
  const timer = timers.get(id);
  if (timer === undefined) return;
  if (timer.repeat === null) timers.delete(id);
  else host.restartTimer(id, timer.repeat);
  try {
    timer.callback.apply(globalThis, timer.args);
  } catch (error) {
    reportError(error);
  }
}
