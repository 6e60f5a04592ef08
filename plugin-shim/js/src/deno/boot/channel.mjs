// The socket to the shim, which is standard input: frames of a length, a kind, a number and bytes. src/deno/frames.rs has the other end.
import net from "node:net";

const HEAD = 9;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const NOTHING = new Uint8Array();

/** Kinds of frames. */
export const kinds = Object.freeze({
  CONFIG: 1, REQUEST: 2, RESPONSE: 3, DATA: 4, END: 5, CANCEL: 6, TOOK: 7, PING: 8,
  HELLO: 32, CREATED: 33, FAILED: 34, LOG: 35, RESPOND: 36, FETCH: 37, PART: 38, LAST: 39, RESET: 40, STOP: 41, RELEASE: 42,
  PULL: 43, PONG: 44, BACKGROUND: 45, SETTLED: 46,
});

let receive = () => {};
const socket = new net.Socket({ fd: 0, readable: true, writable: true });
socket.on("error", () => Deno.exit(0));
// The shim has ended, or wants no more.
socket.on("close", () => Deno.exit(0));

/** What is queued in one turn goes out in one write. */
let queue = [];
let queued = 0;

function flush() {
  const [parts, size] = [queue, queued];
  [queue, queued] = [[], 0];
  if (parts.length === 1) return void socket.write(parts[0]);
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  socket.write(all);
}

function put(bytes) {
  if (queue.push(bytes) === 1) queueMicrotask(flush);
  queued += bytes.length;
}

/** Sends a frame; `payload` is a text or bytes. */
export function send(kind, id, payload = NOTHING) {
  const bytes = typeof payload === "string" ? encoder.encode(payload) : payload;
  const frame = new Uint8Array(HEAD + bytes.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, bytes.length, true);
  frame[4] = kind;
  view.setUint32(5, id, true);
  frame.set(bytes, HEAD);
  put(frame);
}

/** Sends a head, and what of the body is there. */
export function sendHead(kind, id, head, body = NOTHING) {
  const text = encoder.encode(JSON.stringify(head));
  const payload = new Uint8Array(4 + text.length + body.length);
  new DataView(payload.buffer).setUint32(0, text.length, true);
  payload.set(text, 4);
  payload.set(body, 4 + text.length);
  send(kind, id, payload);
}

/** Calls `handler` with kind, number and bytes of each frame from now on. */
export function listen(handler) {
  receive = handler;
  socket.on("data", read);
}

export const textOf = (bytes) => decoder.decode(bytes);

let rest = NOTHING;

function read(chunk) {
  let bytes = chunk;
  if (rest.length > 0) {
    bytes = new Uint8Array(rest.length + chunk.length);
    bytes.set(rest);
    bytes.set(chunk, rest.length);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (bytes.length - at >= HEAD) {
    const end = at + HEAD + view.getUint32(at, true);
    if (bytes.length < end) break;
    // A copy: the author may keep or transfer what he gets.
    receive(bytes[at + 4], view.getUint32(at + 5, true), Uint8Array.prototype.slice.call(bytes, at + HEAD, end));
    at = end;
  }
  rest = bytes.subarray(at);
}
