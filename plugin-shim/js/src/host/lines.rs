//! Header fields on their way between JavaScript and the wire: one text, names and values by turns, a line each. It crosses in
//! one piece, and what nobody asks for is never taken apart.

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
pub(crate) fn write_head(text: &mut String, head: &Head<'_>) {
    text.push_str(head.target);
    text.push('\n');
    write(text, head.fields());
}

/// The fields of a head.
pub(crate) fn write<'a>(text: &mut String, fields: impl Iterator<Item = Field<'a>>) {
    let start = text.len();
    for part in fields.flat_map(|(name, value)| [name, value]) {
        if text.len() > start {
            text.push('\n');
        }
        match str::from_utf8(part) {
            Ok(ascii) if ascii.is_ascii() => text.push_str(ascii),
            _ => text.push_str(&latin1(part)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_survive_both_ways() {
        for fields in [&[][..], &[(&b"a"[..], &b""[..])], &[(b"a", b""), (b"b", b"\xe9 c"), (b"a", b"d")]] {
            let mut text = String::new();
            write(&mut text, fields.iter().copied());
            assert_eq!(Lines::new(text).fields().collect::<Vec<_>>(), fields);
        }
    }
}
