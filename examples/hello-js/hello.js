/* valor
 * {
 *   "name": "hello-js",
 *   "version": "0.1.0"
 * }
 */

export default {
  fetch(request) {
    return new Response("OK response from a plugin in JavaScript\n");
  },
};
