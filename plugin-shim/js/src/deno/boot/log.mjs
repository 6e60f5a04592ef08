// console, which goes to the plugin's log line by line with its level, and how errors look there.
import { format } from "node:util";
import { kinds, send } from "./channel.mjs";

const [TRACE, DEBUG, INFO, WARN, ERROR] = [0, 1, 2, 3, 4];
/** The log takes no longer lines. */
const MAX_LINE = 16 * 1024;

const log = (level, text) => send(kinds.LOG, level, text.slice(0, MAX_LINE));

/** A line about the author's code. */
export const complain = (text) => log(ERROR, text);

/** An error with its stack, which names the author's file and line, and its causes. */
export function describe(error) {
  if (!(error instanceof Error)) return Deno.inspect(error, { colors: false });
  let text = String(error.stack ?? error);
  const cause = error.cause;
  if (cause !== undefined && cause !== error) text += `\ncaused by ${cause instanceof Error ? String(cause.stack ?? cause) : Deno.inspect(cause)}`;
  return text;
}

export function installConsole() {
  const at = (level) => (...values) => log(level, format(...values));
  Object.assign(console, {
    log: at(INFO), info: at(INFO), debug: at(DEBUG), warn: at(WARN), error: at(ERROR), dir: (value) => log(INFO, Deno.inspect(value)),
    trace: (...values) => log(TRACE, `${format(...values)}\n${String(new Error("trace").stack).split("\n").slice(2).join("\n")}`),
    assert: (holds, ...values) => { if (!holds) log(ERROR, `assertion failed${values.length > 0 ? `: ${format(...values)}` : ""}`); },
  });
}
