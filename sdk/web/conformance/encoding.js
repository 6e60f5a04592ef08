const bytes = (...values) => Uint8Array.from(values);

export const tests = {
  "TextEncoder writes UTF-8"(t) {
    const encoder = new TextEncoder();
    t.equal([encoder.encoding, [...encoder.encode("aé€😀")], [...encoder.encode("\ud800x")], encoder.encode().length],
      ["utf-8", [97, 195, 169, 226, 130, 172, 240, 159, 152, 128], [239, 191, 189, 120], 0]);
  },
  "encodeInto stops where there is no room"(t) {
    const target = new Uint8Array(5);
    const { read, written } = new TextEncoder().encodeInto("é😀", target);
    t.equal([read, written, [...target]], [1, 2, [195, 169, 0, 0, 0]]);
  },
  async "TextDecoder replaces, or refuses, what is malformed"(t) {
    t.equal(new TextDecoder().decode(bytes(97, 255, 98, 0xe2, 0x82)), "a\ufffdb\ufffd");
    await t.throws("TypeError", () => new TextDecoder("utf-8", { fatal: true }).decode(bytes(255)));
    await t.throws("RangeError", () => new TextDecoder("nonsense"));
    t.equal(new TextDecoder("utf-8", { fatal: true }).decode(bytes(0xc3, 0xa9)), "é");
  },
  "TextDecoder drops a byte order mark, or keeps it"(t) {
    const marked = bytes(0xef, 0xbb, 0xbf, 65);
    t.equal([new TextDecoder().decode(marked), new TextDecoder("utf-8", { ignoreBOM: true }).decode(marked)], ["A", "\ufeffA"]);
  },
  "TextDecoder knows the legacy encodings"(t) {
    const of = (label, ...values) => new TextDecoder(label).decode(bytes(...values));
    t.equal([of("latin1", 0xe9, 0x80), of("utf-16le", 65, 0, 0x3d, 0xd8, 0, 0xde), of("shift_jis", 0x82, 0xa0), of("gbk", 0xc4, 0xe3), of("koi8-r", 0xc1)],
      ["é€", "A😀", "あ", "你", "а"]);
    t.equal([new TextDecoder("ascii").encoding, new TextDecoder("UTF8").encoding, new TextDecoder("utf-16").encoding], ["windows-1252", "utf-8", "utf-16le"]);
  },
  "TextDecoder goes on where a chunk ended"(t) {
    const decoder = new TextDecoder();
    const more = { stream: true };
    t.equal([decoder.decode(bytes(0xe2), more), decoder.decode(bytes(0x82), more), decoder.decode(bytes(0xac, 65), more), decoder.decode()], ["", "", "€A", ""]);
    const japanese = new TextDecoder("iso-2022-jp");
    t.equal(japanese.decode(bytes(0x1b, 0x24, 0x42, 0x24), more) + japanese.decode(bytes(0x22)), "あ");
  },
  "TextDecoder takes views and buffers"(t) {
    const view = new DataView(bytes(0, 65, 66, 0).buffer, 1, 2);
    t.equal([new TextDecoder().decode(view), new TextDecoder().decode(bytes(65).buffer), new TextDecoder().decode()], ["AB", "A", ""]);
  },
  async "encoding streams join what chunks have split"(t) {
    const text = async (stream) => {
      let whole = "";
      for await (const chunk of stream) whole += chunk;
      return whole;
    };
    const chunks = ReadableStream.from([bytes(0xf0, 0x9f), bytes(0x98), bytes(0x80, 65)]);
    t.equal(await text(chunks.pipeThrough(new TextDecoderStream())), "😀A");
    const halves = ReadableStream.from(["a\ud83d", "\ude00", "\ud800"]);
    t.equal(await text(halves.pipeThrough(new TextEncoderStream()).pipeThrough(new TextDecoderStream())), "a😀\ufffd");
    await t.throws("TypeError", () => text(ReadableStream.from([bytes(255)]).pipeThrough(new TextDecoderStream("utf-8", { fatal: true }))));
  },
};
