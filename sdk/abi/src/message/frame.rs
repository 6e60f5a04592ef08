//! A batch, cut into frames.

use super::{END, FAILED, MAX_BATCH, MAX_DATA, MAX_HEAD, MAX_LOG, MAX_REASON, Malformed, SKIP};

/// The length of a frame without its payload, in bytes.
pub const HEADER_LEN: usize = 12;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "the table of the module")]
pub enum Kind {
    Create = 1,
    Created = 2,
    Request = 3,
    Response = 4,
    Data = 5,
    Reset = 6,
    Window = 7,
    Fetch = 8,
    Wake = 9,
    Log = 10,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Create,
            2 => Self::Created,
            3 => Self::Request,
            4 => Self::Response,
            5 => Self::Data,
            6 => Self::Reset,
            7 => Self::Window,
            8 => Self::Fetch,
            9 => Self::Wake,
            10 => Self::Log,
            _ => return None,
        })
    }

    fn flags(self) -> u8 {
        match self {
            Self::Request | Self::Response | Self::Data | Self::Fetch => END,
            Self::Created => FAILED,
            _ => 0,
        }
    }

    fn max(self) -> usize {
        match self {
            Self::Create => MAX_BATCH - HEADER_LEN,
            Self::Request | Self::Response | Self::Fetch => MAX_HEAD,
            Self::Data => MAX_DATA,
            Self::Created => MAX_LOG,
            Self::Reset => 1 + MAX_REASON,
            Self::Window => 4,
            Self::Wake => 8,
            Self::Log => 2 + 255 + MAX_LOG,
        }
    }

    fn of_an_exchange(self) -> bool {
        !matches!(self, Self::Create | Self::Created | Self::Wake | Self::Log)
    }
}

/// One frame: header checked, payload not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it is.
    pub kind: Kind,
    /// Only flags that this kind has.
    pub flags: u8,
    /// The exchange, or 0.
    pub id: u32,
    /// No longer than this kind may be.
    pub payload: &'a [u8],
}

impl Frame<'_> {
    /// Whether nothing follows in this direction.
    #[must_use]
    pub fn end(&self) -> bool {
        self.flags & END != 0
    }
}

/// The frames of a batch in order; stops after an error. Those that a receiver skips are not among them.
#[must_use]
pub fn frames(batch: &[u8]) -> Frames<'_> {
    Frames(batch)
}

/// What [`frames`] returns.
#[derive(Debug, Clone)]
pub struct Frames<'a>(&'a [u8]);

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.0.is_empty() {
            match self.cut() {
                Ok(None) => {}
                Ok(Some(frame)) => return Some(Ok(frame)),
                Err(error) => {
                    self.0 = &[];
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

impl<'a> Frames<'a> {
    fn cut(&mut self) -> Result<Option<Frame<'a>>, Malformed> {
        let (header, rest) =
            self.0.split_first_chunk::<HEADER_LEN>().ok_or(Malformed("a frame is cut off"))?;
        let [l0, l1, l2, l3, kind, flags, r0, r1, i0, i1, i2, i3] = *header;
        let len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let id = u32::from_le_bytes([i0, i1, i2, i3]);
        let (payload, rest) =
            rest.split_at_checked(len).ok_or(Malformed("a frame is longer than its batch"))?;
        self.0 = rest;
        if kind >= SKIP {
            return Ok(None);
        }
        let kind = Kind::of(kind).ok_or(Malformed("a frame is of an unknown kind"))?;
        if flags & !kind.flags() != 0 || [r0, r1] != [0, 0] {
            return Err(Malformed("a frame has unknown flags"));
        }
        if payload.len() > kind.max() {
            return Err(Malformed("a frame is longer than its kind may be"));
        }
        if (id != 0) != kind.of_an_exchange() {
            return Err(Malformed("a frame has an id that its kind has not"));
        }
        Ok(Some(Frame { kind, flags, id, payload }))
    }
}
