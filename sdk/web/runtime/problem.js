// What the service worker answers itself: the problem details of valord, in the same words.

/** @type {Record<string, [status: number, title: string]>} */
const KINDS = {
  "bad-request": [400, "the request is refused"],
  busy: [503, "the plugin has too many requests"],
  starting: [503, "the plugin is starting"],
  backoff: [503, "the plugin has crashed and will be started again"],
  quarantined: [503, "the plugin has crashed too often"],
  "start-failed": [502, "the plugin could not be started"],
  "plugin-crashed": [502, "the plugin crashed while it worked on the request"],
  "plugin-failed": [500, "the plugin failed to answer"],
  "bad-response": [502, "the plugin's response is invalid"],
  deadline: [504, "the plugin has not answered in time"],
};

/** A problem on its way to the page. */
export class Problem extends Error {
  /**
   * @param {keyof typeof KINDS} kind
   * @param {string} detail this time
   * @param {number} [retryAfter] seconds
   */
  constructor(kind, detail, retryAfter) {
    super(detail);
    this.kind = kind;
    this.retryAfter = retryAfter;
  }

  /**
   * @param {string} requestId
   * @param {string} path
   * @param {string} plugin
   */
  response(requestId, path, plugin) {
    const [status, title] = KINDS[this.kind];
    const json = {
      type: `urn:valor:problem:${this.kind}`,
      title,
      status,
      detail: this.message,
      instance: path,
      plugin,
      request_id: requestId,
    };
    const headers = new Headers({
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      "x-valor-runtime": "browser",
      "x-correlation-id": requestId,
      "x-valor-plugin": plugin,
    });
    if (this.retryAfter) headers.set("retry-after", String(this.retryAfter));
    return new Response(JSON.stringify(json), { status, headers });
  }
}
