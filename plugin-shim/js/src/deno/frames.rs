//! The frames between the shim and Deno; `boot/channel.mjs` has the other end.
//!
//! ```text
//! length of the payload (u32, little endian) │ kind (u8) │ number of the exchange (u32) │ payload
//! ```
//!
//! Requests have even numbers, fetches odd ones. Heads are JSON behind their length (u32), and what follows them is the first part of
//! the body. Bodies come in parts, of which the receiver asks for one more with each that it takes.

/// The bytes before a payload.
pub(super) const HEAD: usize = 9;
/// No payload of Deno's is longer: a part of a body, a head with its first part, a line of the log.
pub(super) const MAX_PAYLOAD: usize = 1 << 20;

/// From the shim to Deno.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tell {
    /// JSON: the file of the module and its environment.
    Config = 1,
    /// Lines: `-` where there is no body, else `+`, with the method; the target; names and values of fields by turns.
    Request = 2,
    /// JSON: status, fields, and whether there is no body.
    Response = 3,
    /// A part of a body.
    Data = 4,
    /// A body is complete.
    End = 5,
    /// An exchange is over, for this reason.
    Cancel = 6,
    /// A part was taken.
    Took = 7,
    /// Is anybody there?
    Ping = 8,
}

/// From Deno to the shim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Its version.
    Hello,
    /// The module is evaluated and has a handler.
    Created,
    /// It is not, or has none.
    Failed,
    /// A line, with the level in place of a number.
    Log,
    /// The head of an answer.
    Respond,
    /// The head of a fetch.
    Fetch,
    /// A part of a body.
    Part,
    /// A body is complete.
    Last,
    /// An exchange is aborted: `f` or `c`, and the reason.
    Reset,
    /// The rest of a body is not wanted.
    Stop,
    /// An exchange is done with.
    Release,
    /// One more part of a body.
    Pull,
    /// Somebody is.
    Pong,
    /// Work begins that goes on after the answer.
    Background,
    /// It has ended.
    Settled,
}

impl Told {
    fn of(kind: u8) -> Option<Self> {
        const ALL: [Told; 15] = [
            Told::Hello,
            Told::Created,
            Told::Failed,
            Told::Log,
            Told::Respond,
            Told::Fetch,
            Told::Part,
            Told::Last,
            Told::Reset,
            Told::Stop,
            Told::Release,
            Told::Pull,
            Told::Pong,
            Told::Background,
            Told::Settled,
        ];
        ALL.get(usize::from(kind.checked_sub(32)?)).copied()
    }
}

/// A whole frame of Deno's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) kind: Told,
    pub(super) id: u32,
    pub(super) payload: &'a [u8],
}

/// Appends a frame.
pub(super) fn put(out: &mut Vec<u8>, kind: Tell, id: u32, payload: &[u8]) {
    // Parts of bodies and heads are far below 4 GiB.
    let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&len.to_le_bytes());
    out.push(kind as u8);
    out.extend_from_slice(&id.to_le_bytes());
    out.extend_from_slice(payload);
}

/// The first frame of `bytes` and its length; `None`: it is not whole yet.
pub(super) fn first(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, String> {
    let Some(&[a, b, c, d, kind, e, f, g, h]) = bytes.first_chunk::<HEAD>() else { return Ok(None) };
    let len = u32::from_le_bytes([a, b, c, d]) as usize;
    if len > MAX_PAYLOAD {
        return Err(format!("a frame of {len} bytes"));
    }
    let kind = Told::of(kind).ok_or_else(|| format!("a frame of the unknown kind {kind}"))?;
    let id = u32::from_le_bytes([e, f, g, h]);
    Ok(bytes.get(HEAD..HEAD + len).map(|payload| (Frame { kind, id, payload }, HEAD + len)))
}

/// A head, and what follows it.
pub(super) fn head<T: serde::de::DeserializeOwned>(payload: &[u8]) -> Result<(T, &[u8]), String> {
    let (len, rest) = payload.split_first_chunk::<4>().ok_or("a head without its length")?;
    let len = u32::from_le_bytes(*len) as usize;
    let (json, body) = rest.split_at_checked(len).ok_or("a head that is longer than its frame")?;
    let head = serde_json::from_slice(json).map_err(|error| format!("a head that is none: {error}"))?;
    Ok((head, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_whole_or_refused() {
        let frame = |len: u32, kind: u8, payload: &[u8]| {
            [&len.to_le_bytes()[..], &[kind], &7_u32.to_le_bytes(), payload].concat()
        };
        let whole = frame(3, 38, b"abcd");
        let read = Frame { kind: Told::Part, id: 7, payload: b"abc" };
        assert_eq!(first(&whole), Ok(Some((read, 12))));
        for cut in 0..12 {
            assert_eq!(first(&whole[..cut]), Ok(None), "{cut}");
        }
        assert!(first(&frame(u32::MAX, 38, b"")).is_err(), "refused before anything is waited for");
        for kind in [0, 1, 31, 47, 255] {
            assert!(first(&frame(0, kind, b"")).is_err(), "{kind}");
        }
    }

    #[test]
    fn heads_are_bounded_by_their_frames() {
        let payload = |len: u32, rest: &[u8]| [&len.to_le_bytes()[..], rest].concat();
        assert_eq!(head::<(u16, bool)>(&payload(10, b"[200,true]xy")), Ok(((200, true), &b"xy"[..])));
        for bad in
            [&b""[..], b"abc", &payload(11, b"[200,true]"), &payload(u32::MAX, b""), &payload(2, b"{}")]
        {
            assert!(head::<(u16, bool)>(bad).is_err(), "{bad:?}");
        }
    }
}
