//! The 16 bytes in front of every payload.

use crate::Violation;

/// The length of a frame header in bytes.
pub const HEADER_LEN: usize = 16;

/// HEAD or DATA: nothing follows in this direction.
pub(crate) const FLAG_END: u8 = 1;

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "drawn in the crate's documentation")]
pub enum FrameType {
    Head = 1,
    Data = 2,
    Reset = 3,
    Window = 4,
    Stop = 5,
    Ping = 6,
    Pong = 7,
    Background = 8,
    Control = 16,
}

/// A decoded frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// The payload's length in bytes.
    pub len: u32,
    /// What the payload is.
    pub kind: FrameType,
    /// Only the END bit is defined, for HEAD and DATA.
    pub flags: u8,
    /// The stream, or 0.
    pub stream: u64,
}

impl FrameHeader {
    /// Reads a header; the caller still has to compare `len` with its limits.
    pub fn decode(bytes: &[u8; HEADER_LEN]) -> Result<Self, Violation> {
        let [l0, l1, l2, l3, kind, flags, r0, r1, stream @ ..] = *bytes;
        let kind = match kind {
            1 => FrameType::Head,
            2 => FrameType::Data,
            3 => FrameType::Reset,
            4 => FrameType::Window,
            5 => FrameType::Stop,
            6 => FrameType::Ping,
            7 => FrameType::Pong,
            8 => FrameType::Background,
            16 => FrameType::Control,
            other => return Err(Violation::UnknownFrame(other)),
        };
        let allowed = if matches!(kind, FrameType::Head | FrameType::Data) { FLAG_END } else { 0 };
        if flags & !allowed != 0 || r0 != 0 || r1 != 0 {
            return Err(Violation::ReservedBits);
        }
        Ok(Self {
            len: u32::from_le_bytes([l0, l1, l2, l3]),
            kind,
            flags,
            stream: u64::from_le_bytes(stream),
        })
    }

    /// Writes the header.
    #[must_use]
    pub fn encode(self) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        out[..4].copy_from_slice(&self.len.to_le_bytes());
        out[4] = self.kind as u8;
        out[5] = self.flags;
        out[8..].copy_from_slice(&self.stream.to_le_bytes());
        out
    }

    pub(crate) fn ends(self) -> bool {
        self.flags & FLAG_END != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [FrameType; 9] = [
        FrameType::Head,
        FrameType::Data,
        FrameType::Reset,
        FrameType::Window,
        FrameType::Stop,
        FrameType::Ping,
        FrameType::Pong,
        FrameType::Background,
        FrameType::Control,
    ];

    #[test]
    fn headers_survive_the_trip_and_stand_as_drawn() {
        for kind in KINDS {
            let header = FrameHeader { len: 0x0102_0304, kind, flags: 0, stream: 0x1112_1314_1516_1718 };
            let bytes = header.encode();
            assert_eq!(FrameHeader::decode(&bytes), Ok(header));
            assert_eq!(bytes[..4], [4, 3, 2, 1]);
            assert_eq!(bytes[4..8], [kind as u8, 0, 0, 0]);
            assert_eq!(bytes[8..], [0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11]);
        }
    }

    #[test]
    fn only_head_and_data_may_end_and_nothing_else_is_set() {
        for kind in KINDS {
            let header = FrameHeader { len: 0, kind, flags: 0, stream: 2 };
            for flags in 1..=255 {
                let decoded = FrameHeader::decode(&FrameHeader { flags, ..header }.encode());
                let fine = flags == FLAG_END && matches!(kind, FrameType::Head | FrameType::Data);
                assert_eq!(decoded.is_ok(), fine, "{kind:?} {flags}");
            }
            for at in [6, 7] {
                let mut bytes = header.encode();
                bytes[at] = 1;
                assert_eq!(FrameHeader::decode(&bytes), Err(Violation::ReservedBits));
            }
        }
    }

    #[test]
    fn unknown_types_are_named() {
        for kind in (0..=255_u8).filter(|kind| !matches!(kind, 1..=8 | 16)) {
            let mut bytes = [0; HEADER_LEN];
            bytes[4] = kind;
            assert_eq!(FrameHeader::decode(&bytes), Err(Violation::UnknownFrame(kind)));
        }
    }
}
