/* valor
 * {
 *   "name": "with-state-js",
 *   "version": "0.1.0",
 *   "config_schema": { "type": "string", "description": "who greets" }
 * }
 */

// The module is evaluated once, and lives as long as its process: what it declares is its state.
const greeted = new Map();

export default {
  /** `env.config` is the configuration, `--config '"Alice"'`; of one that is an object, `env` has the members. */
  async fetch(request, env, ctx) {
    const who = new URL(request.url).searchParams.get("who");
    if (who === null) return new Response("Missing buddy to greet\n", { status: 400 });
    const times = (greeted.get(who) ?? 0) + 1;
    // Strangers choose the names: a state that they can make grow needs an end.
    if (greeted.size < 1000 || greeted.has(who)) greeted.set(who, times);
    ctx.waitUntil(remember(who, times));
    return Response.json({ greeting: `${env.config ?? "Somebody"} says hello ${who}!`, times });
  },
};

async function remember(who, times) {
  console.log("greeted %s, %d times by now", who, times);
}
