//! What a frame says.

use super::head::{Cursor, text};
use super::{FAILED, Fields, Frame, Kind, MAX_WINDOW, Malformed};

/// A frame's payload, read in place. Lengths, UTF-8 and status are checked; the characters of methods, targets and fields are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table of the module")]
pub enum Message<'a> {
    /// An empty `config` is none.
    Create { name: &'a str, config: &'a [u8] },
    /// The reason when it failed.
    Created { failure: Option<&'a str> },
    /// A `deadline_ms` of 0 is none.
    Request { deadline_ms: u32, method: &'a str, target: &'a str, fields: Fields<'a>, end: bool },
    /// The status is within 200 to 599.
    Response { status: u16, fields: Fields<'a>, end: bool },
    /// A part of a body.
    Data { part: &'a [u8], end: bool },
    /// See [`reset`](super::reset).
    Reset { code: u8, reason: &'a str },
    /// Neither 0 nor beyond [`MAX_WINDOW`].
    Window { credit: u32 },
    /// A `parent` of 0 is none.
    Fetch { parent: u32, method: &'a str, target: &'a str, fields: Fields<'a>, end: bool },
    /// From the guest, with 0 for never; `None` is from the host.
    Wake { after_ns: Option<u64> },
    /// A line for the log.
    Log { level: u8, target: &'a str, message: &'a str },
}

impl<'a> Message<'a> {
    /// Reads a frame's payload.
    ///
    /// # Errors
    ///
    /// When it is malformed.
    pub fn read(frame: &Frame<'a>) -> Result<Self, Malformed> {
        let mut cursor = Cursor(frame.payload);
        let end = frame.end();
        Ok(match frame.kind {
            Kind::Create => Self::Create { name: cursor.long_text()?, config: cursor.0 },
            Kind::Created => {
                let reason = text(cursor.0)?;
                let failed = frame.flags & FAILED != 0;
                if !failed {
                    cursor.done()?;
                }
                Self::Created { failure: failed.then_some(reason) }
            }
            Kind::Request => {
                let deadline_ms = u32::from_le_bytes(cursor.array()?);
                let (method, target) = (cursor.short_text()?, cursor.long_text()?);
                Self::Request { deadline_ms, method, target, fields: cursor.fields()?, end }
            }
            Kind::Response => {
                let status = cursor.u16()?;
                if !(200..=599).contains(&status) {
                    return Err(Malformed("a status is not within 200 to 599"));
                }
                Self::Response { status, fields: cursor.fields()?, end }
            }
            Kind::Data => Self::Data { part: cursor.0, end },
            Kind::Reset => Self::Reset { code: cursor.u8()?, reason: text(cursor.0)? },
            Kind::Window => {
                let credit = u32::from_le_bytes(cursor.array()?);
                cursor.done()?;
                if !(1..=MAX_WINDOW).contains(&credit) {
                    return Err(Malformed("a credit is out of bounds"));
                }
                Self::Window { credit }
            }
            Kind::Fetch => {
                let parent = u32::from_le_bytes(cursor.array()?);
                let (method, target) = (cursor.short_text()?, cursor.long_text()?);
                Self::Fetch { parent, method, target, fields: cursor.fields()?, end }
            }
            Kind::Wake if cursor.0.is_empty() => Self::Wake { after_ns: None },
            Kind::Wake => {
                let after_ns = u64::from_le_bytes(cursor.array()?);
                cursor.done()?;
                Self::Wake { after_ns: Some(after_ns) }
            }
            Kind::Log => {
                let level = cursor.u8()?;
                if level > 4 {
                    return Err(Malformed("a level of the log is unknown"));
                }
                Self::Log { level, target: cursor.short_text()?, message: text(cursor.0)? }
            }
        })
    }
}
