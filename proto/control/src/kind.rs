//! The kinds of plugins, told by their content alone, and the same way at both ends.
//!
//! ```text
//! kind     begins with                  is run by
//! native   \x7fELF                      valor-shim, which also refuses by name whatever is none of these
//! wasm     \0asm, a core module         valor-shim-wasm
//! wasi     \0asm, a component           valor-shim-wasm
//! js       text                         valor-shim-js
//! ```
//!
//! A shim is all that a kind needs: it reads artifacts without running them (`inspect`), runs them (`run`), and knows how its engine
//! is confined. What the daemon has to know besides is in [`Kind::shares_state`].

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// So much of an artifact tells what it is.
pub const HEAD: usize = 4096;

const ELF: &[u8] = b"\x7fELF";
const WASM: &[u8] = b"\0asm";
/// Archives of object files, which may begin as texts do.
const ARCHIVES: [&[u8]; 2] = [b"!<arch>\n", b"!<thin>\n"];
/// The version of a component's format, above that of its layer: 1, where a core module has 0.
const COMPONENT: [u8; 2] = [1, 0];

/// What sort of plugin an artifact is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A library of this machine.
    #[default]
    Native,
    /// A WebAssembly core module.
    Wasm,
    /// A WebAssembly component.
    Wasi,
    /// A JavaScript module.
    Js,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Native, Self::Wasm, Self::Wasi, Self::Js];

    /// What an artifact is that begins so; `head` is all of it, or its first [`HEAD`] bytes.
    #[must_use]
    pub fn of(head: &[u8]) -> Self {
        if let Some(rest) = head.strip_prefix(WASM) {
            return if rest.get(2..4) == Some(&COMPONENT) { Self::Wasi } else { Self::Wasm };
        }
        let archive = ARCHIVES.iter().any(|magic| head.starts_with(magic));
        if !head.is_empty() && !head.starts_with(ELF) && !archive && is_text(head) {
            return Self::Js;
        }
        Self::Native
    }

    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Wasm => "wasm",
            Self::Wasi => "wasi",
            Self::Js => "js",
        }
    }

    /// The program that runs it.
    #[must_use]
    pub const fn shim(self) -> &'static str {
        match self {
            Self::Native => "valor-shim",
            Self::Wasm | Self::Wasi => "valor-shim-wasm",
            Self::Js => "valor-shim-js",
        }
    }

    /// Whether the state of a module must not diverge, so that a process has one worker.
    #[must_use]
    pub const fn shares_state(self) -> bool {
        matches!(self, Self::Wasm | Self::Js)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// UTF-8 without control characters; its last character may be cut.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    text.chars().all(|c| !c.is_control() || c.is_ascii_whitespace())
}

/// What a one-shot calls a JavaScript file, for nobody tells it the name.
const NAMELESS: &str = "plugin.js:";

/// What is wrong with an artifact, as a one-shot says it, with the name of its file before line and column.
#[must_use]
pub fn in_file(message: &str, file: &str) -> String {
    match message.strip_prefix(NAMELESS) {
        Some(place) if !file.is_empty() => format!("{file}:{place}"),
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_authors_file() {
        assert_eq!(in_file("plugin.js:3:7: Unexpected token", "hello.js"), "hello.js:3:7: Unexpected token");
        assert_eq!(in_file("it needs libfoo.so", "hello.js"), "it needs libfoo.so");
        assert_eq!(in_file("plugin.js:3:7: Unexpected token", ""), "plugin.js:3:7: Unexpected token");
    }

    #[test]
    fn content_tells() {
        for (head, kind) in [
            (&b"\x7fELF\x02\x01\x01"[..], Kind::Native),
            (b"\x7fEL", Kind::Native),
            (b"", Kind::Native),
            (b"\0asm\x01\0\0\0", Kind::Wasm),
            (b"\0asm\x0d\0\x01\0", Kind::Wasi),
            (b"\0asm\x02\0\x01\0\x01", Kind::Wasi),
            (b"\0asm\x02\0\0\0", Kind::Wasm),
            (b"\0asm", Kind::Wasm),
            (b"\0as", Kind::Native),
            (b"export default {}\n", Kind::Js),
            (b"\xef\xbb\xbf// a byte order mark\r\n\tx", Kind::Js),
            ("// gr\u{fc}n".as_bytes(), Kind::Js),
            (b"// cut in the middle \xc3", Kind::Js),
            (b"latin-1: \xfc and more", Kind::Native),
            (b"text with \0", Kind::Native),
            (b"text with \x1b[31m", Kind::Native),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Kind::Native),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", Kind::Native),
            (b"MZ\x90\0\x03", Kind::Native),
            (b"PK\x03\x04", Kind::Native),
            (b"!<arch>\nplugin.o/", Kind::Native),
        ] {
            assert_eq!(Kind::of(head), kind, "{:?}", head.escape_ascii().to_string());
        }
    }

    #[test]
    fn a_word_is_the_same_in_files() {
        for kind in Kind::ALL {
            let word = kind.as_str();
            let read = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(word);
            assert_eq!(Kind::deserialize(read), Ok(kind));
            assert_eq!(kind.to_string(), word);
        }
    }
}
