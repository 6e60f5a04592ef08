// Web Cryptography, a part of it.
import host from "valor:host";
import { bytesOf, concat, copyOf } from "valor:bytes";

const MAX_RANDOM = 65_536;
/** More would hold up every other request for seconds. */
const MAX_ROUNDS = 2_000_000;
const HASHES = { "SHA-1": [20, 64], "SHA-256": [32, 64], "SHA-384": [48, 128], "SHA-512": [64, 128] };
const USAGES = {
  HMAC: ["sign", "verify"],
  "AES-GCM": ["encrypt", "decrypt", "wrapKey", "unwrapKey"],
  PBKDF2: ["deriveKey", "deriveBits"],
  Ed25519: ["verify"],
  ECDSA: ["verify"],
};
/** The DER of a public key up to its bytes. */
const SPKI = {
  Ed25519: "302a300506032b6570032100",
  "P-256": "3059301306072a8648ce3d020106082a8648ce3d030107034200",
  "P-384": "3076301006072a8648ce3d020106052b81040022036200",
  "P-521": "30819b301006072a8648ce3d020106052b8104002303818600",
};
/** The bytes of a public key on each curve. */
const POINT = { Ed25519: 32, "P-256": 65, "P-384": 97, "P-521": 133 };
/** The curve of a key, and the name of it where there is but one. */
const curveOf = ({ name, namedCurve = name }) => namedCurve;

const fail = (name, message) => {
  throw new DOMException(message, name);
};

/** An algorithm with its name as the standard spells it. */
function algorithm(given) {
  const object = typeof given === "string" ? { name: given } : given;
  const name = String(object?.name ?? "");
  const known = [...Object.keys(USAGES), ...Object.keys(HASHES)].find((n) => n.toLowerCase() === name.toLowerCase());
  if (known === undefined) fail("NotSupportedError", `the algorithm ${JSON.stringify(name)} is not supported`);
  return { ...object, name: known };
}

function hashOf(given) {
  const { name } = algorithm(given ?? "");
  if (!(name in HASHES)) fail("NotSupportedError", `${name} is no hash`);
  return name;
}

const MAKE = Symbol();
let make;
let raw;

export class CryptoKey {
  #bytes;
  #details;
  static {
    make = (bytes, details) => new CryptoKey(MAKE, bytes, details);
    raw = (key) => key.#bytes;
  }
  constructor(key, bytes, details) {
    if (key !== MAKE) throw new TypeError("Illegal constructor: use crypto.subtle.importKey()");
    this.#bytes = bytes;
    this.#details = details;
  }
  get type() { return this.#details.type; }
  get extractable() { return this.#details.extractable; }
  get algorithm() { return this.#details.algorithm; }
  get usages() { return this.#details.usages; }
  get [Symbol.toStringTag]() { return "CryptoKey"; }
}

/** The bytes of a key, if it may be used so. */
function use(key, name, usage) {
  if (!(key instanceof CryptoKey)) throw new TypeError("the key is no CryptoKey");
  if (key.algorithm.name !== name) fail("InvalidAccessError", `the key is for ${key.algorithm.name}, not for ${name}`);
  if (!key.usages.includes(usage)) fail("InvalidAccessError", `the key does not permit "${usage}"`);
  return raw(key);
}

function aes(parameters) {
  const iv = bytesOf(parameters.iv, "AES-GCM: iv");
  if (iv.length === 0) fail("OperationError", "AES-GCM: the iv is empty");
  if ((parameters.tagLength ?? 128) !== 128) fail("NotSupportedError", "AES-GCM: only a tag of 128 bits is supported");
  const additional = parameters.additionalData;
  return [iv, additional === undefined ? new Uint8Array() : bytesOf(additional, "AES-GCM: additionalData")];
}

const hex = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
const fromBase64url = (text) => Uint8Array.fromBase64(String(text ?? ""), { alphabet: "base64url" });
const toBase64url = (bytes) => bytes.toBase64({ alphabet: "base64url", omitPadding: true });

/** A public key out of one of its formats. */
function publicKey(name, curve, format, data) {
  let bytes;
  if (format === "raw") {
    bytes = copyOf(bytesOf(data, "importKey"));
  } else if (format === "spki") {
    const [der, prefix] = [bytesOf(data, "importKey"), hex(SPKI[curve])];
    if (!prefix.every((byte, i) => der[i] === byte)) fail("DataError", `this is no public key for ${name}`);
    bytes = copyOf(der.subarray(prefix.length));
  } else if (format === "jwk") {
    if (data?.d !== undefined) fail("NotSupportedError", `private keys for ${name} are not supported`);
    const kty = name === "Ed25519" ? "OKP" : "EC";
    if (data?.kty !== kty || data.crv !== curve) fail("DataError", `this is no JWK of a public key for ${name}`);
    const x = fromBase64url(data.x);
    bytes = name === "Ed25519" ? x : concat([Uint8Array.of(4), x, fromBase64url(data.y)]);
  } else {
    fail("NotSupportedError", `private keys for ${name} are not supported (format ${JSON.stringify(format)})`);
  }
  if (bytes.length !== POINT[curve] || (name === "ECDSA" && bytes[0] !== 4)) fail("DataError", `this is no public key for ${name}`);
  return bytes;
}

/** A secret key out of one of its formats. */
function secretKey(name, format, data) {
  if (format === "raw") return copyOf(bytesOf(data, "importKey"));
  if (format !== "jwk" || name === "PBKDF2") fail("NotSupportedError", `keys for ${name} are not imported as ${JSON.stringify(format)}`);
  if (data?.kty !== "oct") fail("DataError", "this is no JWK of a secret key");
  return fromBase64url(data.k);
}

function details(name, parameters, bytes) {
  switch (name) {
    case "HMAC": return { name, hash: { name: hashOf(parameters.hash) }, length: bytes.length * 8 };
    case "AES-GCM":
      if (bytes.length === 24) fail("NotSupportedError", "AES-GCM: keys of 192 bits are not supported");
      if (bytes.length !== 16 && bytes.length !== 32) fail("DataError", "AES-GCM: a key has 128 or 256 bits");
      return { name, length: bytes.length * 8 };
    case "ECDSA": return { name, namedCurve: parameters.namedCurve };
    default: return { name };
  }
}

function usagesFor(name, usages) {
  const list = [...usages].map(String);
  const wrong = list.find((usage) => !USAGES[name].includes(usage));
  if (wrong !== undefined) fail("SyntaxError", `a key for ${name} cannot have the usage ${JSON.stringify(wrong)}`);
  return Object.freeze([...new Set(list)]);
}

export class SubtleCrypto {
  async digest(given, data) {
    const name = hashOf(given);
    return host.digest(name, bytesOf(data, "digest")).buffer;
  }

  async importKey(format, data, given, extractable, usages) {
    const parameters = algorithm(given);
    const { name } = parameters;
    if (!(name in USAGES)) fail("NotSupportedError", `there are no keys for ${name}`);
    const open = name === "Ed25519" || name === "ECDSA";
    if (name === "ECDSA" && !["P-256", "P-384", "P-521"].includes(parameters.namedCurve)) {
      fail("NotSupportedError", `the curve ${String(parameters.namedCurve)} is not supported, P-256, P-384 and P-521 are`);
    }
    if (name === "PBKDF2" && extractable) fail("SyntaxError", "a key for PBKDF2 cannot be extractable");
    const allowed = usagesFor(name, usages);
    const bytes = open ? publicKey(name, curveOf(parameters), format, data) : secretKey(name, format, data);
    if (!open && allowed.length === 0) fail("SyntaxError", "a secret key needs a usage");
    const type = open ? "public" : "secret";
    return make(bytes, { type, extractable: Boolean(extractable), algorithm: details(name, parameters, bytes), usages: allowed });
  }

  async exportKey(format, key) {
    if (!key.extractable) fail("InvalidAccessError", "the key is not extractable");
    const { name } = key.algorithm;
    const bytes = raw(key);
    if (format === "raw") return copyOf(bytes).buffer;
    if (format === "spki" && key.type === "public") return concat([hex(SPKI[curveOf(key.algorithm)]), bytes]).buffer;
    if (format !== "jwk") fail("NotSupportedError", `keys for ${name} are not exported as ${JSON.stringify(format)}`);
    const common = { key_ops: [...key.usages], ext: true };
    switch (name) {
      case "Ed25519": return { kty: "OKP", crv: "Ed25519", x: toBase64url(bytes), ...common };
      case "ECDSA": {
        const half = (bytes.length - 1) / 2;
        const [x, y] = [bytes.slice(1, 1 + half), bytes.slice(1 + half)];
        return { kty: "EC", crv: key.algorithm.namedCurve, x: toBase64url(x), y: toBase64url(y), ...common };
      }
      case "HMAC": return { kty: "oct", k: toBase64url(bytes), alg: `HS${key.algorithm.hash.name.slice(4)}`, ...common };
      default: return { kty: "oct", k: toBase64url(bytes), alg: `A${bytes.length * 8}GCM`, ...common };
    }
  }

  async generateKey(given, extractable, usages) {
    const parameters = algorithm(given);
    const { name } = parameters;
    let bits;
    if (name === "HMAC") bits = parameters.length ?? HASHES[hashOf(parameters.hash)][1] * 8;
    else if (name === "AES-GCM") bits = parameters.length;
    else fail("NotSupportedError", `keys for ${name} are not generated`);
    if (!(bits > 0 && bits % 8 === 0 && bits <= 8192)) fail("OperationError", `a key for ${name} cannot have ${String(bits)} bits`);
    return this.importKey("raw", host.random(bits / 8), parameters, extractable, usages);
  }

  async sign(given, key, data) {
    const { name } = algorithm(given);
    if (name !== "HMAC") fail("NotSupportedError", `signing with ${name} is not supported`);
    const bytes = use(key, name, "sign");
    return host.hmac(key.algorithm.hash.name, bytes, bytesOf(data, "sign")).buffer;
  }

  async verify(given, key, signature, data) {
    const parameters = algorithm(given);
    const { name } = parameters;
    const bytes = use(key, name, "verify");
    const [signed, message] = [bytesOf(signature, "verify"), bytesOf(data, "verify")];
    switch (name) {
      case "HMAC": return host.verifyHmac(key.algorithm.hash.name, bytes, message, signed);
      case "Ed25519": return host.verifyEd25519(bytes, message, signed);
      case "ECDSA": {
        const hash = hashOf(parameters.hash);
        const { namedCurve } = key.algorithm;
        if (namedCurve !== "P-521" && !["SHA-256", "SHA-384"].includes(hash)) {
          fail("NotSupportedError", `ECDSA over ${namedCurve}: only SHA-256 and SHA-384 are supported`);
        }
        return host.verifyEcdsa(namedCurve, hash, bytes, message, signed);
      }
      default: return fail("NotSupportedError", `verifying with ${name} is not supported`);
    }
  }

  async encrypt(given, key, data) {
    const parameters = algorithm(given);
    const bytes = use(key, "AES-GCM", "encrypt");
    const [iv, additional] = aes(parameters);
    return host.seal(bytes, iv, additional, bytesOf(data, "encrypt")).buffer;
  }

  async decrypt(given, key, data) {
    const parameters = algorithm(given);
    const bytes = use(key, "AES-GCM", "decrypt");
    const [iv, additional] = aes(parameters);
    const opened = host.open(bytes, iv, additional, bytesOf(data, "decrypt"));
    return opened?.buffer ?? fail("OperationError", "AES-GCM: the data was not encrypted with this key, or was changed");
  }

  async deriveBits(given, key, length) {
    const parameters = algorithm(given);
    const bytes = use(key, "PBKDF2", key.usages?.includes("deriveBits") ? "deriveBits" : "deriveKey");
    const hash = hashOf(parameters.hash);
    const rounds = Math.trunc(Number(parameters.iterations));
    if (!(length > 0 && length % 8 === 0 && length <= 8192)) fail("OperationError", "PBKDF2: the length is no whole number of bytes up to 1024");
    const blocks = Math.ceil(length / 8 / HASHES[hash][0]);
    if (!(rounds > 0)) fail("OperationError", "PBKDF2: there have to be iterations");
    if (rounds * blocks > MAX_ROUNDS) fail("NotSupportedError", `PBKDF2: more than ${MAX_ROUNDS} iterations would hold up all requests`);
    return host.pbkdf2(hash, bytes, bytesOf(parameters.salt, "PBKDF2: salt"), rounds, length / 8).buffer;
  }

  async deriveKey(given, key, derived, extractable, usages) {
    const target = algorithm(derived);
    const bits = target.length ?? (target.name === "HMAC" ? HASHES[hashOf(target.hash)][1] * 8 : 0);
    return this.importKey("raw", await this.deriveBits(given, key, bits), target, extractable, usages);
  }
  get [Symbol.toStringTag]() { return "SubtleCrypto"; }
}

export class Crypto {
  #subtle = new SubtleCrypto();
  get subtle() { return this.#subtle; }
  getRandomValues(array) {
    const whole = ArrayBuffer.isView(array) && !(array instanceof DataView) && !/^Float/.test(array[Symbol.toStringTag]);
    if (!whole) fail("TypeMismatchError", "getRandomValues: not an array of whole numbers");
    if (array.byteLength > MAX_RANDOM) fail("QuotaExceededError", `getRandomValues: more than ${MAX_RANDOM} bytes at once`);
    bytesOf(array, "getRandomValues").set(host.random(array.byteLength));
    return array;
  }
  randomUUID() { return host.uuid(); }
  get [Symbol.toStringTag]() { return "Crypto"; }
}

export const crypto = new Crypto();
