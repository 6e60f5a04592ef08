const post = (body, type) => new Response(body, type ? { headers: { "content-type": type } } : {});

export const tests = {
  async "FormData reads and changes"(t) {
    const form = new FormData();
    form.append("a", "1");
    form.append("b", new Blob(["x"], { type: "t/x" }));
    form.append("a", 2);
    t.equal([form.get("a"), form.get("z"), form.getAll("a"), form.has("b"), [...form.keys()]], ["1", null, ["1", "2"], true, ["a", "b", "a"]]);
    t.equal([form.get("b") instanceof File, form.get("b").name, form.get("b").type], [true, "blob", "t/x"]);
    form.set("a", "3");
    form.set("c", new File(["y"], "f.txt"), "g.txt");
    form.delete("b");
    t.equal([[...form.keys()], form.get("c").name], [["a", "c"], "g.txt"]);
    await t.throws("TypeError", () => form.append("x"));
    await t.throws("TypeError", () => form.append("x", "text", "name"));
    const seen = [];
    form.forEach((value, name) => seen.push(name));
    t.equal(seen, ["a", "c"]);
  },
  async "multipart survives the trip"(t) {
    const form = new FormData();
    form.append('na"me\n', "line\nline é");
    form.append("file", new File([Uint8Array.of(0, 13, 10, 45, 45, 255)], 'x".bin', { type: "a/b" }));
    form.append("empty", "");
    const found = [...(await post(form).formData())];
    t.equal(found.map(([name]) => name), ['na"me\r\n', "file", "empty"]);
    t.equal([found[0][1], found[2][1]], ["line\r\nline é", ""]);
    const file = found[1][1];
    t.equal([file.name, file.type, [...(await file.bytes())]], ['x".bin', "a/b", [0, 13, 10, 45, 45, 255]]);
  },
  async "multipart as browsers send it"(t) {
    const text = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--B--\r\n";
    const form = await post(text, "multipart/form-data; boundary=B").formData();
    t.equal([form.get("a"), form.get("f").name, form.get("f").type, await form.get("f").text()], ["1", "x.txt", "text/plain", "hello"]);
  },
  async "multipart that is broken is refused"(t) {
    const type = "multipart/form-data; boundary=B";
    for (const text of ["", "--B", "--B\r\n\r\nx\r\n--B--", "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx", "nothing"]) {
      await t.throws("TypeError", () => post(text, type).formData());
    }
    await t.throws("TypeError", () => post("--B--", "multipart/form-data").formData());
    await t.throws("TypeError", () => post("x", "text/plain").formData());
  },
  async "urlencoded forms"(t) {
    const form = await post("a=1&b=x+y%26&a=%C3%BC", "application/x-www-form-urlencoded").formData();
    t.equal([...form], [["a", "1"], ["b", "x y&"], ["a", "ü"]]);
    t.equal([...(await post(new URLSearchParams({ q: "1" })).formData())], [["q", "1"]]);
  },
};
