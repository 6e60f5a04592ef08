//! A batch, written frame by frame.

use alloc::vec::Vec;

use super::{
    END, FAILED, HEADER_LEN, Kind, MAX_BATCH, MAX_DATA, MAX_FIELDS, MAX_HEAD, MAX_LOG, MAX_REASON, Malformed,
};

/// One field as it is written: a name in lower case and a value.
pub type Field<'a> = (&'a str, &'a [u8]);

/// Writes frames one behind the other. What cannot be written leaves no trace. A batch may have at most [`MAX_BATCH`] bytes: the owner
/// looks at the length, and passes it on before it is full.
#[derive(Debug, Default)]
pub struct Writer(pub Vec<u8>);

impl Writer {
    /// CREATE; an empty `config` is none.
    ///
    /// # Errors
    ///
    /// When they are too long.
    pub fn create(&mut self, name: &str, config: &[u8]) -> Result<(), Malformed> {
        self.frame(Kind::Create, 0, 0, MAX_BATCH - HEADER_LEN, |out| {
            long(out, name.as_bytes())?;
            out.extend_from_slice(config);
            Ok(())
        })
    }

    /// CREATED, or why it failed; a long reason is cut.
    pub fn created(&mut self, failure: Option<&str>) {
        let flags = if failure.is_some() { FAILED } else { 0 };
        self.plain(Kind::Created, flags, 0, &[cut(failure.unwrap_or_default(), MAX_LOG).as_bytes()]);
    }

    /// REQUEST; a `deadline_ms` of 0 is none.
    ///
    /// # Errors
    ///
    /// When the head is too long, or has too many fields.
    pub fn request<'a>(
        &mut self,
        id: u32,
        deadline_ms: u32,
        (method, target): (&str, &str),
        fields: impl IntoIterator<Item = Field<'a>>,
        end: bool,
    ) -> Result<(), Malformed> {
        self.head(Kind::Request, id, end, fields, |out| {
            out.extend_from_slice(&deadline_ms.to_le_bytes());
            short(out, method.as_bytes())?;
            long(out, target.as_bytes())
        })
    }

    /// FETCH; a `parent` of 0 is none.
    ///
    /// # Errors
    ///
    /// When the head is too long, or has too many fields.
    pub fn fetch<'a>(
        &mut self,
        id: u32,
        parent: u32,
        (method, target): (&str, &str),
        fields: impl IntoIterator<Item = Field<'a>>,
        end: bool,
    ) -> Result<(), Malformed> {
        self.head(Kind::Fetch, id, end, fields, |out| {
            out.extend_from_slice(&parent.to_le_bytes());
            short(out, method.as_bytes())?;
            long(out, target.as_bytes())
        })
    }

    /// RESPONSE.
    ///
    /// # Errors
    ///
    /// When the head is too long, has too many fields, or its status is not within 200 to 599.
    pub fn response<'a>(
        &mut self,
        id: u32,
        status: u16,
        fields: impl IntoIterator<Item = Field<'a>>,
        end: bool,
    ) -> Result<(), Malformed> {
        if !(200..=599).contains(&status) {
            return Err(Malformed("the status is not within 200 to 599"));
        }
        self.head(Kind::Response, id, end, fields, |out| {
            out.extend_from_slice(&status.to_le_bytes());
            Ok(())
        })
    }

    /// DATA. The part is at most [`MAX_DATA`] long, and within the credit.
    ///
    /// # Errors
    ///
    /// When it is longer.
    pub fn data(&mut self, id: u32, part: &[u8], end: bool) -> Result<(), Malformed> {
        self.frame(Kind::Data, u8::from(end) * END, id, MAX_DATA, |out| {
            out.extend_from_slice(part);
            Ok(())
        })
    }

    /// RESET, with a code of [`reset`](super::reset); a long reason is cut.
    pub fn reset(&mut self, id: u32, code: u8, reason: &str) {
        self.plain(Kind::Reset, 0, id, &[&[code], cut(reason, MAX_REASON).as_bytes()]);
    }

    /// WINDOW.
    pub fn window(&mut self, id: u32, credit: u32) {
        self.plain(Kind::Window, 0, id, &[&credit.to_le_bytes()]);
    }

    /// WAKE from the guest, 0 for never.
    pub fn wake_after(&mut self, ns: u64) {
        self.plain(Kind::Wake, 0, 0, &[&ns.to_le_bytes()]);
    }

    /// WAKE from the host.
    pub fn wake(&mut self) {
        self.plain(Kind::Wake, 0, 0, &[]);
    }

    /// LOG, with a level of 0 (trace) to 4 (error); what is too long is cut.
    pub fn log(&mut self, level: u8, target: &str, message: &str) {
        let target = cut(target, 255);
        #[expect(clippy::cast_possible_truncation, reason = "cut to it")]
        let head = [level.min(4), target.len() as u8];
        self.plain(Kind::Log, 0, 0, &[&head, target.as_bytes(), cut(message, MAX_LOG).as_bytes()]);
    }

    fn head<'a>(
        &mut self,
        kind: Kind,
        id: u32,
        end: bool,
        fields: impl IntoIterator<Item = Field<'a>>,
        start: impl FnOnce(&mut Vec<u8>) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.frame(kind, u8::from(end) * END, id, MAX_HEAD, |out| {
            start(out)?;
            let counted = out.len();
            out.extend_from_slice(&[0, 0]);
            let mut count = 0_u16;
            for (name, value) in fields {
                count += 1;
                if usize::from(count) > MAX_FIELDS || out.len() - counted > MAX_HEAD {
                    return Err(Malformed("the head has too many fields"));
                }
                short(out, name.as_bytes())?;
                long(out, value)?;
            }
            out[counted..counted + 2].copy_from_slice(&count.to_le_bytes());
            Ok(())
        })
    }

    fn frame(
        &mut self,
        kind: Kind,
        flags: u8,
        id: u32,
        max: usize,
        payload: impl FnOnce(&mut Vec<u8>) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        let out = &mut self.0;
        let start = out.len();
        out.extend_from_slice(&[0, 0, 0, 0, kind as u8, flags, 0, 0]);
        out.extend_from_slice(&id.to_le_bytes());
        let written = payload(out).and_then(|()| {
            let len = out.len() - start - HEADER_LEN;
            let len =
                u32::try_from(len).ok().filter(|_| len <= max).ok_or(Malformed("the frame is too long"))?;
            out[start..start + 4].copy_from_slice(&len.to_le_bytes());
            Ok(())
        });
        written.inspect_err(|_| out.truncate(start))
    }

    /// A frame whose parts are short enough.
    fn plain(&mut self, kind: Kind, flags: u8, id: u32, parts: &[&[u8]]) {
        let written = self.frame(kind, flags, id, MAX_BATCH, |out| {
            parts.iter().for_each(|part| out.extend_from_slice(part));
            Ok(())
        });
        debug_assert!(written.is_ok());
    }
}

/// The text, or as much of it as fits.
fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

fn short(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Malformed> {
    out.push(u8::try_from(bytes.len()).map_err(|_| Malformed("a method or name is longer than 255 bytes"))?);
    out.extend_from_slice(bytes);
    Ok(())
}

fn long(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Malformed> {
    let len =
        u16::try_from(bytes.len()).map_err(|_| Malformed("a target or value is longer than 65535 bytes"))?;
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}
