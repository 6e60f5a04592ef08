//! What a file that is no ELF file seems to be, for the message only.

/// Magic bytes and what they mean.
const MAGIC: &[(&[u8], &str)] = &[
    (b"\0asm\x01\0\0\0", "a WebAssembly module"),
    (b"\0asm", "a WebAssembly component"),
    (b"#!", "a script"),
    (b"!<arch>\n", "a static library (an archive of object files)"),
    (b"!<thin>\n", "a thin archive of object files"),
    (b"MZ", "a Windows program or library"),
    (b"\xcf\xfa\xed\xfe", "a macOS program or library"),
    (b"\xce\xfa\xed\xfe", "a macOS program or library"),
    (b"\xca\xfe\xba\xbe", "a macOS universal binary or a Java class"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"BC\xc0\xde", "LLVM bitcode"),
];

/// In words, with an article.
pub(super) fn guess(artifact: &[u8]) -> &'static str {
    if artifact.is_empty() {
        return "an empty file";
    }
    if let Some((_, name)) = MAGIC.iter().find(|(magic, _)| artifact.starts_with(magic)) {
        return name;
    }
    let start = &artifact[..artifact.len().min(4096)];
    let printable = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace() || *byte >= 0x80;
    if start.iter().all(printable) { "a text file" } else { "data of an unknown kind" }
}

/// What the author probably has to do.
pub(super) fn cure(artifact: &[u8]) -> &'static str {
    match guess(artifact) {
        "an empty file" => "build it again and send it whole",
        kind if kind.starts_with("a static library") => {
            "build a shared library: crate-type = [\"cdylib\"] in Cargo.toml, or cc -shared -fPIC"
        }
        _ => "send the .so file that cargo build or cc -shared leaves behind",
    }
}
