//! The fields of heads, read in place.

use super::{MAX_FIELDS, Malformed};

/// A cursor that fails instead of reading past the end.
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

const CUT: Malformed = Malformed("a payload is cut off");

impl<'a> Cursor<'a> {
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(CUT)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(CUT)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_le_bytes)
    }

    /// A text with its length before it, in `N` bytes.
    pub(super) fn short_text(&mut self) -> Result<&'a str, Malformed> {
        let len = usize::from(self.u8()?);
        self.take(len).and_then(text)
    }

    pub(super) fn long_text(&mut self) -> Result<&'a str, Malformed> {
        let len = usize::from(self.u16()?);
        self.take(len).and_then(text)
    }

    /// All that is left, which has to be fields.
    pub(super) fn fields(mut self) -> Result<Fields<'a>, Malformed> {
        let count = self.u16()?;
        if usize::from(count) > MAX_FIELDS {
            return Err(Malformed("a head has too many fields"));
        }
        let bytes = self.0;
        for _ in 0..count {
            field(&mut self.0)?;
        }
        self.done().map(|()| Fields { count, bytes })
    }

    pub(super) fn done(&self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed("a payload is too long")) }
    }
}

pub(super) fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    core::str::from_utf8(bytes).map_err(|_| Malformed("a text is not UTF-8"))
}

/// Cuts one field off: name and value. Their characters are for who passes them on to check.
///
/// # Errors
///
/// When there is none.
pub fn field<'a>(bytes: &mut &'a [u8]) -> Result<(&'a str, &'a [u8]), Malformed> {
    let mut cursor = Cursor(bytes);
    let name = cursor.short_text()?;
    let len = usize::from(cursor.u16()?);
    let value = cursor.take(len)?;
    *bytes = cursor.0;
    Ok((name, value))
}

/// Fields that were found whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields<'a> {
    count: u16,
    bytes: &'a [u8],
}

impl<'a> Fields<'a> {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// They, encoded: what names and values are slices of.
    #[must_use]
    pub fn block(&self) -> &'a [u8] {
        self.bytes
    }

    /// Names and values in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'a> {
        let mut rest = self.bytes;
        (0..self.count).map_while(move |_| field(&mut rest).ok())
    }
}
