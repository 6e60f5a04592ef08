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

/** What is queued in one turn goes out in one write, of a buffer that is used again. */
const SIZE = 64 * 1024;
const spare = [];
let out = new Uint8Array(SIZE);
let used = 0;
let scheduled = false;

function write() {
  if (used === 0) return;
  const buffer = out;
  socket.write(buffer.subarray(0, used), () => {
    if (buffer.length === SIZE && spare.length < 4) spare.push(buffer);
  });
  out = spare.pop() ?? new Uint8Array(SIZE);
  used = 0;
}

function flush() {
  scheduled = false;
  write();
}

/** Makes room for a frame of at most so many bytes. */
function reserve(size) {
  if (!scheduled) {
    scheduled = true;
    queueMicrotask(flush);
  }
  if (out.length - used >= size) return;
  write();
  if (out.length < size) out = new Uint8Array(size);
}

function put32(number, at) {
  out[at] = number;
  out[at + 1] = number >>> 8;
  out[at + 2] = number >>> 16;
  out[at + 3] = number >>> 24;
}

/** Puts a text or bytes; how many there were. */
function put(payload, at) {
  if (typeof payload === "string") return encoder.encodeInto(payload, out.subarray(at)).written;
  out.set(payload, at);
  return payload.length;
}

const atMost = (payload) => (typeof payload === "string" ? payload.length * 3 : payload.length);

function finish(kind, id, length) {
  put32(length, used);
  out[used + 4] = kind;
  put32(id, used + 5);
  used += HEAD + length;
}

/** Sends a frame; `payload` is a text or bytes. */
export function send(kind, id, payload = NOTHING) {
  reserve(HEAD + atMost(payload));
  finish(kind, id, put(payload, used + HEAD));
}

/** Sends a head, and what of the body is there, which is a text or bytes. */
export function sendHead(kind, id, head, body = NOTHING) {
  const text = JSON.stringify(head);
  reserve(HEAD + 4 + atMost(text) + atMost(body));
  const start = used + HEAD + 4;
  const length = put(text, start);
  put32(length, start - 4);
  finish(kind, id, 4 + length + put(body, start + length));
}

/** Calls `handler` with kind, number and bytes of each frame from now on; the bytes are its only for the call. */
export function listen(handler) {
  receive = handler;
  socket.on("data", read);
}

export const textOf = (bytes) => decoder.decode(bytes);

let rest = NOTHING;

function read(chunk) {
  let bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
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
    receive(bytes[at + 4], view.getUint32(at + 5, true), bytes.subarray(at + HEAD, end));
    at = end;
  }
  rest = bytes.subarray(at);
}
