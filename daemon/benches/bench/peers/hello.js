/* valor
 * {
 *   "name": "hello-js",
 *   "version": "0.1.0"
 * }
 */

// The same answers as the others give; runs under valord, Deno and workerd as it is.
export default {
  fetch(request) {
    if (request.method === "POST") {
      return new Response(request.body);
    }
    return new Response("OK response from a plugin");
  },
};
