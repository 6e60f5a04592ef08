const encode = (text) => new TextEncoder().encode(text);
const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const { subtle } = crypto;

export const tests = {
  async "getRandomValues fills arrays"(t) {
    const array = new Uint32Array(16);
    t.ok(crypto.getRandomValues(array) === array);
    t.ok(array.some((value) => value !== 0));
    await t.throws("TypeMismatchError", () => crypto.getRandomValues(new Float64Array(1)));
    await t.throws("QuotaExceededError", () => crypto.getRandomValues(new Uint8Array(65537)));
  },
  "randomUUID is of version 4"(t) {
    const [a, b] = [crypto.randomUUID(), crypto.randomUUID()];
    t.ok(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(a), "is no UUID");
    t.ok(a !== b);
  },
  // FIPS 180-2, appendices.
  async "digest"(t) {
    const of = async (name) => hex(await subtle.digest(name, encode("abc")));
    t.equal(await of("SHA-1"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    t.equal(await of({ name: "sha-256" }), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    t.ok((await of("SHA-384")).startsWith("cb00753f45a35e8bb5a03d699ac65007"));
    t.ok((await of("SHA-512")).startsWith("ddaf35a193617abacc417349ae204131"));
    await t.throws("NotSupportedError", () => subtle.digest("MD5", encode("")));
  },
  // RFC 4231, test case 2.
  async "HMAC signs and verifies"(t) {
    const key = await subtle.importKey("raw", encode("Jefe"), { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
    const data = encode("what do ya want for nothing?");
    const signed = await subtle.sign("HMAC", key, data);
    t.equal(hex(signed), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    t.equal([await subtle.verify("HMAC", key, signed, data), await subtle.verify("HMAC", key, signed, encode("else"))], [true, false]);
    t.equal([key.type, key.extractable, key.algorithm.name, key.algorithm.hash.name, [...key.usages].sort()], ["secret", false, "HMAC", "SHA-256", ["sign", "verify"]]);
    await t.throws("InvalidAccessError", () => subtle.exportKey("raw", key));
    const onlySign = await subtle.importKey("raw", encode("k"), { name: "HMAC", hash: "SHA-1" }, true, ["sign"]);
    await t.throws("InvalidAccessError", () => subtle.verify("HMAC", onlySign, signed, data));
    t.equal(hex(await subtle.exportKey("raw", onlySign)), "6b");
    t.equal((await subtle.exportKey("jwk", onlySign)).k, "aw");
  },
  // The Galois/Counter Mode of Operation, McGrew and Viega, test case 4.
  async "AES-GCM encrypts and decrypts"(t) {
    const key = await subtle.importKey("raw", unhex("feffe9928665731c6d6a8f9467308308"), "AES-GCM", false, ["encrypt", "decrypt"]);
    const how = { name: "AES-GCM", iv: unhex("cafebabefacedbaddecaf888"), additionalData: unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2") };
    const plain = unhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    const sealed = await subtle.encrypt(how, key, plain);
    t.equal(hex(sealed), "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47");
    t.equal(hex(await subtle.decrypt(how, key, sealed)), hex(plain));
    const changed = new Uint8Array(sealed);
    changed[0] ^= 1;
    await t.throws("OperationError", () => subtle.decrypt(how, key, changed));
    await t.throws("DataError", () => subtle.importKey("raw", new Uint8Array(5), "AES-GCM", false, ["encrypt"]));
  },
  // The same, test cases 5, 6, 17 and 18.
  async "AES-GCM takes an iv of any length"(t) {
    const additionalData = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    const plain = unhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    const long = "9313225df88406e555909c5aff5269aa6a7a9538534f7da1e4c303d2a318a728c3c0c95156809539fcf0e2429a6b525416aedbf5a0de6a57a637b39b";
    const half = "feffe9928665731c6d6a8f9467308308";
    for (const [secret, iv, text, tag] of [
      [half, "cafebabefacedbad", "61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c742373806900e49f24b22b097544d4896b424989b5e1ebac0f07c23f4598", "3612d2e79e3b0785561be14aaca2fccb"],
      [half, long, "8ce24998625615b603a033aca13fb894be9112a5c3a211a8ba262a3cca7e2ca701e4a9a4fba43c90ccdcb281d48c7c6fd62875d2aca417034c34aee5", "619cc5aefffe0bfa462af43c1699d050"],
      [half + half, "cafebabefacedbad", "c3762df1ca787d32ae47c13bf19844cbaf1ae14d0b976afac52ff7d79bba9de0feb582d33934a4f0954cc2363bc73f7862ac430e64abe499f47c9b1f", "3a337dbf46a792c45e454913fe2ea8f2"],
      [half + half, long, "5a8def2f0c9e53f1f75d7853659e2a20eeb2b22aafde6419a058ab4f6f746bf40fc0c3b780f244452da3ebf1c5d82cdea2418997200ef82e44ae7e3f", "a44a8266ee1c8eb0c8b5d4cf5ae9f19a"],
    ]) {
      const key = await subtle.importKey("raw", unhex(secret), "AES-GCM", false, ["encrypt", "decrypt"]);
      const how = { name: "AES-GCM", iv: unhex(iv), additionalData };
      const sealed = await subtle.encrypt(how, key, plain);
      t.equal(hex(sealed), text + tag);
      t.equal(hex(await subtle.decrypt(how, key, sealed)), hex(plain));
      for (const at of [0, sealed.byteLength - 1]) {
        const changed = new Uint8Array(sealed.slice(0));
        changed[at] ^= 1;
        await t.throws("OperationError", () => subtle.decrypt(how, key, changed));
      }
      await t.throws("OperationError", () => subtle.decrypt(how, key, sealed.slice(0, 15)));
      await t.throws("OperationError", () => subtle.decrypt({ ...how, additionalData: plain }, key, sealed));
    }
  },
  async "keys are generated"(t) {
    const key = await subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt", "decrypt"]);
    t.equal([(await subtle.exportKey("raw", key)).byteLength, key.algorithm.length], [32, 256]);
    const how = { name: "AES-GCM", iv: new Uint8Array(12) };
    t.equal(new TextDecoder().decode(await subtle.decrypt(how, key, await subtle.encrypt(how, key, encode("round")))), "round");
  },
  // RFC 7914, section 11, and RFC 6070.
  async "PBKDF2 derives"(t) {
    const derive = async (hash, secret, salt, iterations, bits) => {
      const key = await subtle.importKey("raw", encode(secret), "PBKDF2", false, ["deriveBits", "deriveKey"]);
      return hex(await subtle.deriveBits({ name: "PBKDF2", hash, salt: encode(salt), iterations }, key, bits));
    };
    t.equal(await derive("SHA-256", "passwd", "salt", 1, 256), "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
    t.equal(await derive("SHA-1", "password", "salt", 4096, 160), "4b007901b765489abead49d926f721d065a429c1");
    const key = await subtle.importKey("raw", encode("p"), "PBKDF2", false, ["deriveKey"]);
    const how = { name: "PBKDF2", hash: "SHA-512", salt: encode("s"), iterations: 2 };
    const aes = await subtle.deriveKey(how, key, { name: "AES-GCM", length: 128 }, true, ["encrypt"]);
    t.equal((await subtle.exportKey("raw", aes)).byteLength, 16);
  },
  // RFC 8032, section 7.1, test 3.
  async "Ed25519 is verified"(t) {
    const raw = unhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
    const signed = unhex("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
    const data = unhex("af82");
    const spki = Uint8Array.of(...unhex("302a300506032b6570032100"), ...raw);
    const jwk = { kty: "OKP", crv: "Ed25519", x: "_FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU" };
    for (const [format, from] of [["raw", raw], ["spki", spki], ["jwk", jwk]]) {
      const key = await subtle.importKey(format, from, "Ed25519", true, ["verify"]);
      t.equal([await subtle.verify("Ed25519", key, signed, data), await subtle.verify("Ed25519", key, signed, encode("x"))], [true, false]);
      t.equal([hex(await subtle.exportKey("raw", key)), (await subtle.exportKey("jwk", key)).x], [hex(raw), jwk.x]);
    }
  },
  // RFC 6979, appendix A.2.5, SHA-256 of "sample".
  async "ECDSA over P-256 is verified"(t) {
    const [x, y] = ["60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6", "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"];
    const signed = unhex("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
    const key = await subtle.importKey("raw", unhex(`04${x}${y}`), { name: "ECDSA", namedCurve: "P-256" }, true, ["verify"]);
    const how = { name: "ECDSA", hash: "SHA-256" };
    t.equal([await subtle.verify(how, key, signed, encode("sample")), await subtle.verify(how, key, signed, encode("simple"))], [true, false]);
    const jwk = await subtle.exportKey("jwk", key);
    t.equal([jwk.kty, jwk.crv], ["EC", "P-256"]);
    const again = await subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
    t.equal(await subtle.verify(how, again, signed, encode("sample")), true);
  },
  async "ECDSA over P-384 and with SHA-384 is verified"(t) {
    for (const [namedCurve, hash, point, signature] of [
      ["P-256", "SHA-384", "0447e16c1a0abc8a24bd84b5b1f0db044129d86c0a63a6da14883d90e557d91aff8187a2cf85773513815507b2ce79c1904b824fa4d0b01e41d3974f140d4ed244", "030c7017279bae78c2d5f3eb1357db536b87cb1fe3995f71ea200fdc1303ee6c1334f3a1c48385d272c71cb995732167b1d2ecd50469bb5dde77243935d89dc0"],
      ["P-384", "SHA-256", "04973a602477716147800c7f8ddcc5b10e15de4218793c3f82bca1c289639c1cba715fd7430ef52b28495e108643146505fda0674926337a2e0fe42b52dd45b359a4f6b4a15a430d31ce31b1714d5818256e72d329e4a63334a3bcfd40d8702f2a", "5d871c1bd84d42d00008378e8b3022af06aefeeb8b72a7a067d70bb2026a7b8633ec0d43e93ee9b5c59f5a4da70726bee4cc5237c5f2c4a90be1dfb8645517d93b30711a1e181ca51e70e1d5ed90d492296dc15cee4e877e1fb6b86366611b29"],
      ["P-384", "SHA-384", "04521b9d692074a44a0dfbd0306bb4b554117d2a21bb768e82e4016ad5a1f665c14118aa9f01ceba477f9d197fce0ce723210ed7f912bdd7abe0b42be46a4d05c2f6155dc562a40f982d7ce28be3dd868c37db860ca78ab58ba02a2af59c8134e4", "6ca5e0e0ddd253262fe4b65707c4e3e252f443288ffcea5e74cfdf127c775c3371818165b48c477c790112ca13e55cf905664c1bb757c3e4611c9bb5b232675feb851aab21371144d72f23f9ac8e63c69296fb89e03a78190e6a27c925abddbb"],
    ]) {
      const signed = unhex(signature);
      const key = await subtle.importKey("raw", unhex(point), { name: "ECDSA", namedCurve }, true, ["verify"]);
      t.equal(key.algorithm.namedCurve, namedCurve);
      const how = { name: "ECDSA", hash };
      t.equal([await subtle.verify(how, key, signed, encode("sample")), await subtle.verify(how, key, signed, encode("simple"))], [true, false]);
      t.equal(await subtle.verify(how, key, signed.slice(1), encode("sample")), false);
      for (const format of ["jwk", "spki"]) {
        const again = await subtle.importKey(format, await subtle.exportKey(format, key), { name: "ECDSA", namedCurve }, false, ["verify"]);
        t.equal(await subtle.verify(how, again, signed, encode("sample")), true);
      }
      const other = namedCurve === "P-256" ? "P-384" : "P-256";
      await t.throws("DataError", () => subtle.importKey("raw", unhex(point), { name: "ECDSA", namedCurve: other }, true, ["verify"]));
    }
  },
  // RFC 6979, appendix A.2.7, "sample".
  async "ECDSA over P-521 is verified"(t) {
    const [x, y] = ["01894550d0785932e00eaa23b694f213f8c3121f86dc97a04e5a7167db4e5bcd371123d46e45db6b5d5370a7f20fb633155d38ffa16d2bd761dcac474b9a2f5023a4", "00493101c962cd4d2fddf782285e64584139c2f91b47f87ff82354d6630f746a28a0db25741b5b34a828008b22acc23f924faafbd4d33f81ea66956dfeaa2bfdfcf5"];
    const algorithm = { name: "ECDSA", namedCurve: "P-521" };
    const key = await subtle.importKey("raw", unhex(`04${x}${y}`), algorithm, true, ["verify"]);
    for (const [hash, signature] of [
      ["SHA-256", "01511bb4d675114fe266fc4372b87682baecc01d3cc62cf2303c92b3526012659d16876e25c7c1e57648f23b73564d67f61c6f14d527d54972810421e7d87589e1a7004a171143a83163d6df460aaf61522695f207a58b95c0644d87e52aa1a347916e4f7a72930b1bc06dbe22ce3f58264afd23704cbb63b29b931f7de6c9d949a7ecfc"],
      ["SHA-384", "01ea842a0e17d2de4f92c15315c63ddf72685c18195c2bb95e572b9c5136ca4b4b576ad712a52be9730627d16054ba40cc0b8d3ff035b12ae75168397f5d50c6745101f21a3cee066e1961025fb048bd5fe2b7924d0cd797babe0a83b66f1e35eeaf5fde143fa85dc394a7dee766523393784484bdf3e00114a1c857cde1aa203db65d61"],
      ["SHA-512", "00c328fafcbd79dd77850370c46325d987cb525569fb63c5d3bc53950e6d4c5f174e25a1ee9017b5d450606add152b534931d7d4e8455cc91f9b15bf05ec36e377fa00617cce7cf5064806c467f678d3b4080d6f1cc50af26ca209417308281b68af282623eaa63e5b5c0723d8b8c37ff0777b1a20f8ccb1dccc43997f1ee0e44da4a67a"],
    ]) {
      const [how, signed] = [{ name: "ECDSA", hash }, unhex(signature)];
      t.equal([await subtle.verify(how, key, signed, encode("sample")), await subtle.verify(how, key, signed, encode("simple"))], [true, false]);
      t.equal(await subtle.verify(how, key, signed.slice(1), encode("sample")), false);
      for (const format of ["jwk", "spki"]) {
        const again = await subtle.importKey(format, await subtle.exportKey(format, key), algorithm, false, ["verify"]);
        t.equal(await subtle.verify(how, again, signed, encode("sample")), true);
      }
    }
    await t.throws("DataError", () => subtle.importKey("raw", unhex(`04${x}`), algorithm, true, ["verify"]));
  },
};
