//! Header fields on their way between JavaScript and the wire: one text, names and values by turns, a line each. It crosses in
//! one piece, and what nobody asks for is never taken apart.

use std::borrow::Cow;

use valor_shim_core::serve::Head;
use valor_shim_core::wire::Field;

use super::latin1;

/// Fields as JavaScript gives them. No name and no value has a line break: `Headers` refuses it.
pub(crate) struct Lines(Vec<u8>);

impl Lines {
    /// Characters above U+00FF were refused by `Headers`, too.
    pub(crate) fn new(text: String) -> Self {
        if text.is_ascii() {
            return Self(text.into_bytes());
        }
        Self(text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect())
    }

    /// The fields.
    pub(crate) fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        self.after(0)
    }

    /// The first line of what [`write_head`] has written.
    pub(crate) fn target(&self) -> &str {
        let first = self.0.split(|&byte| byte == b'\n').next();
        first.and_then(|first| str::from_utf8(first).ok()).unwrap_or_default()
    }

    /// The fields behind that line.
    pub(crate) fn fields_of_head(&self) -> impl Iterator<Item = Field<'_>> {
        self.after(1)
    }

    fn after(&self, skipped: usize) -> impl Iterator<Item = Field<'_>> {
        let mut lines = self.0.split(|&byte| byte == b'\n').skip(skipped);
        std::iter::from_fn(move || Some((lines.next()?, lines.next()?)))
    }
}

/// A request's target and its fields.
pub(crate) fn write_head(text: &mut Vec<u8>, head: &Head<'_>) {
    text.extend_from_slice(head.target.as_bytes());
    text.push(b'\n');
    write(text, head.fields());
}

/// The fields of a head, as bytes.
pub(super) fn write<'a>(text: &mut Vec<u8>, fields: impl Iterator<Item = Field<'a>>) {
    let start = text.len();
    for (name, value) in fields {
        if text.len() > start {
            text.push(b'\n');
        }
        text.extend_from_slice(name);
        text.push(b'\n');
        text.extend_from_slice(value);
    }
}

/// What was written, each byte a character.
pub(crate) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(latin1(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_survive_both_ways() {
        for fields in [&[][..], &[(&b"a"[..], &b""[..])], &[(b"a", b""), (b"b", b"\xe9 c"), (b"a", b"d")]] {
            let mut bytes = Vec::new();
            write(&mut bytes, fields.iter().copied());
            assert_eq!(Lines::new(text_of(&bytes).into_owned()).fields().collect::<Vec<_>>(), fields);
        }
    }
}
