// What an author finds, and what the engine calls.
import host from "valor:host";
import { Blob, blobOf, bytesOfBlob, File } from "valor:blob";
import { cloneable } from "valor:clone";
import { console, reportError } from "valor:console";
import { Crypto, crypto, CryptoKey, SubtleCrypto } from "valor:crypto";
import { define } from "valor:define";
import { TextDecoder, TextDecoderStream, TextEncoder, TextEncoderStream } from "valor:encoding";
import { CustomEvent, Event, EventTarget } from "valor:events";
import { Exchange } from "valor:exchange";
import { fetch } from "valor:fetch";
import { FormData } from "valor:form";
import { Headers } from "valor:headers";
import { Request } from "valor:request";
import { Response } from "valor:response";
import { ExtendableEvent, FetchEvent, listen, scope } from "valor:serve";
import * as streams from "valor:web-streams";
import { clearInterval, clearTimeout, setInterval, setTimeout } from "valor:timers";
import { URL, URLPattern, URLSearchParams } from "valor:url";

export { begin, onRequest, onUnhandled } from "valor:serve";
export { onTimer } from "valor:timers";
export const onEvent = Exchange.onEvent;

cloneable(
  (value) => value instanceof Blob,
  (value) => {
    const { type, name, lastModified } = value;
    return value instanceof File ? new File([value], name, { type, lastModified }) : blobOf(bytesOfBlob(value), type);
  },
);

// The engine's own clock counts from the start of the machine.
const timeOrigin = Date.now() - performance.now();
const now = performance.now.bind(performance);
const clock = Object.freeze({ now, timeOrigin, toJSON: () => ({ timeOrigin }) });

define(streams);
define({
  Blob,
  Crypto,
  CryptoKey,
  CustomEvent,
  Event,
  EventTarget,
  ExtendableEvent,
  FetchEvent,
  File,
  FormData,
  Headers,
  Request,
  Response,
  SubtleCrypto,
  TextDecoder,
  TextDecoderStream,
  TextEncoder,
  TextEncoderStream,
  URL,
  URLPattern,
  URLSearchParams,
  addEventListener: listen,
  clearInterval,
  clearTimeout,
  console,
  crypto,
  dispatchEvent: (event) => scope.dispatchEvent(event),
  fetch,
  navigator: Object.freeze({ userAgent: host.userAgent, language: "en", languages: Object.freeze(["en"]), hardwareConcurrency: 1 }),
  performance: clock,
  removeEventListener: (...args) => scope.removeEventListener(...args),
  reportError,
  self: globalThis,
  setInterval,
  setTimeout,
});
