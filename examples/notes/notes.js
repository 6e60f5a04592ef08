/* valor
 * { "name": "notes", "version": "0.1.0", "permissions": { "net": ["127.0.0.1:5984"] } }
 */

// Notes in a database that speaks CouchDB's HTTP: CouchDB itself, PouchDB Server, Cloudant.
//
//   GET    /          all notes, the newest first
//   POST   /          a new note: { "text": "..." }
//   GET    /ID        one note
//   PUT    /ID        a new text: { "text": "...", "rev": "..." }, with the rev that was read
//   DELETE /ID?rev=   gone, unless it has changed since
//
// Who writes must have read: with the rev of an older reading, the answer is 409 and nothing is lost.

const DEFAULT = "http://127.0.0.1:5984/notes";
const MAX_TEXT = 10_000;

/** An answer that is no success. */
class Problem extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** The database, as far as notes need it. `--config '{"database": "http://host:5984/name"}'` says where it is. */
class Database {
  constructor(url) { this.url = url.replace(/\/+$/, ""); }

  /** Calls it; a database that does not exist yet is made. */
  async call(method, path, body) {
    const init = { method, headers: { accept: "application/json" } };
    if (body !== undefined) {
      init.headers["content-type"] = "application/json";
      init.body = JSON.stringify(body);
    }
    let response = await this.#send(path, init);
    if (response.status === 404 && (await reason(response)) === "no_db_file") {
      await this.#send("", { method: "PUT" });
      response = await this.#send(path, init);
    }
    if (response.ok) return response.json();
    if (response.status === 404) throw new Problem(404, "there is no such note");
    if (response.status === 409) throw new Problem(409, "the note has changed meanwhile: read it again");
    console.error(`the database answers ${method} ${path} with ${response.status}`);
    throw new Problem(502, "the database does not do that");
  }

  async #send(path, init) {
    try {
      return await fetch(this.url + path, init);
    } catch (error) {
      console.error(error);
      throw new Problem(502, "the database cannot be reached");
    }
  }

  async list() {
    const { rows } = await this.call("GET", "/_all_docs?include_docs=true");
    // Design documents are the database's own.
    return rows.filter((row) => !row.id.startsWith("_")).map((row) => note(row.doc)).sort((a, b) => b.at.localeCompare(a.at));
  }

  async read(id) { return note(await this.call("GET", `/${encodeURIComponent(id)}`)); }

  async write(id, fields, rev) {
    const doc = rev === undefined ? fields : { ...fields, _rev: rev };
    const written = await this.call("PUT", `/${encodeURIComponent(id)}`, doc);
    return { id, rev: written.rev, ...fields };
  }

  async remove(id, rev) {
    await this.call("DELETE", `/${encodeURIComponent(id)}?rev=${encodeURIComponent(rev)}`);
  }
}

/** Why the database says no: CouchDB says `no_db_file`, or in words that it has no such database. */
async function reason(response) {
  const { reason = "" } = await response.clone().json().catch(() => ({}));
  return /no_db_file|database does not exist/i.test(reason) ? "no_db_file" : reason;
}

/** A document as clients see it. */
function note({ _id, _rev, text, at }) {
  return { id: _id, rev: _rev, text: String(text ?? ""), at: String(at ?? "") };
}

/** What a client has sent. */
async function sent(request) {
  const fields = await request.json().catch(() => null);
  if (typeof fields?.text !== "string" || fields.text.trim() === "") {
    throw new Problem(400, 'send JSON: { "text": "..." }');
  }
  if (fields.text.length > MAX_TEXT) throw new Problem(413, `a note has at most ${MAX_TEXT} characters`);
  return fields;
}

const ONE = new URLPattern({ pathname: "/:id" });

async function answer(request, notes) {
  const url = new URL(request.url);
  if (url.pathname === "/") {
    if (request.method === "GET") return Response.json(await notes.list());
    if (request.method !== "POST") throw new Problem(405, "notes are read by GET and added by POST");
    const { text } = await sent(request);
    const made = await notes.write(crypto.randomUUID(), { text, at: new Date().toISOString() });
    // Relative: a plugin does not know where it is mounted.
    return Response.json(made, { status: 201, headers: { location: `./${made.id}` } });
  }

  const id = ONE.exec(url)?.pathname.groups.id;
  // Names with an underscore are the database's own.
  if (id === undefined || id.startsWith("_")) throw new Problem(404, "there is no such note");
  switch (request.method) {
    case "GET":
      return Response.json(await notes.read(id));
    case "PUT": {
      const { text, rev } = await sent(request);
      if (typeof rev !== "string") throw new Problem(400, "name the rev that you have read");
      const { at } = await notes.read(id);
      return Response.json(await notes.write(id, { text, at }, rev));
    }
    case "DELETE": {
      const rev = url.searchParams.get("rev");
      if (!rev) throw new Problem(400, "name the rev that you have read: DELETE /ID?rev=...");
      await notes.remove(id, rev);
      return new Response(null, { status: 204 });
    }
    default:
      throw new Problem(405, "a note is read by GET, changed by PUT, and removed by DELETE");
  }
}

export default {
  async fetch(request, env) {
    try {
      return await answer(request, new Database(env.database ?? DEFAULT));
    } catch (error) {
      // Anything else is a fault of ours: a 500, and the stack is in the log.
      if (!(error instanceof Problem)) throw error;
      return Response.json({ error: error.message }, { status: error.status });
    }
  },
};
