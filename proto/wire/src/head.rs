//! Request and response heads: written from borrowed parts, read in place.
//!
//! Reading checks everything once (RFC 9110 section 5, RFC 9112 section 3.2); the views then walk without failing.

use crate::text::{is_lower_token, is_text, is_token};
use crate::{Limits, StreamId, names};

/// One field as it is written: a name in lower case and a value.
pub type Field<'a> = (&'a [u8], &'a [u8]);

/// Why a head was refused, by the side that writes it or the side that reads it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// The payload is longer than [`Limits::max_head`].
    #[error("head is longer than {0} bytes")]
    TooLong(usize),
    /// More fields than [`Limits::max_fields`].
    #[error("more than {0} header fields")]
    TooManyFields(usize),
    /// The payload ends within an item, or goes on after the last one.
    #[error("truncated or trailing bytes")]
    Length,
    /// Not an HTTP method.
    #[error("invalid method")]
    Method,
    /// Empty, or with spaces or control characters.
    #[error("invalid target")]
    Target,
    /// Not within 200..=599.
    #[error("invalid status {0}")]
    Status(u16),
    /// Not a token in lower case, or an unknown name id.
    #[error("invalid header name")]
    Name,
    /// Control characters in a value.
    #[error("invalid value of header {0}")]
    Value(String),
}

/// A request head to be written.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    /// For example `GET`.
    pub method: &'a str,
    /// A path with query (daemon to plugin), or a URL or path (a plugin's fetch).
    pub target: &'a str,
    /// Milliseconds that are left for the response head; 0 for none.
    pub deadline_ms: u32,
    /// A plugin's fetch: the request on this connection that it is made for.
    pub parent: Option<StreamId>,
}

/// A request head that was read and found valid.
#[derive(Debug, Clone, Copy)]
pub struct RequestRef<'a> {
    /// The method.
    pub method: &'a str,
    /// The target: visible ASCII or UTF-8, neither empty nor with control characters.
    pub target: &'a str,
    /// Milliseconds that are left for the response head; 0 for none.
    pub deadline_ms: u32,
    /// The request that this fetch claims to be made for; not checked to be open.
    pub parent: Option<StreamId>,
    /// The header fields.
    pub fields: Fields<'a>,
}

/// A response head that was read and found valid.
#[derive(Debug, Clone, Copy)]
pub struct ResponseRef<'a> {
    /// 200..=599.
    pub status: u16,
    /// The header fields.
    pub fields: Fields<'a>,
}

/// The header fields of a head that was read; iterates over (name id or 0, name, value).
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    count: u16,
    bytes: &'a [u8],
}

impl<'a> Fields<'a> {
    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The encoded fields: names that are not well known, and all values, are slices of this.
    #[must_use]
    pub fn block(&self) -> &'a [u8] {
        self.bytes
    }

    /// The fields in order: name id (0 for none), name in lower case, value. A well-known name has its id here however it
    /// was spelled out, so that to look for ids alone is safe.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &'a str, &'a [u8])> + use<'a> {
        let mut reader = Reader(self.bytes);
        // Validated when it was read, so `ok()` never cuts the walk short.
        (0..self.count).map_while(move |_| reader.field().ok())
    }
}

pub(crate) fn write_request<'a>(
    out: &mut Vec<u8>,
    head: &RequestHead<'_>,
    fields: impl IntoIterator<Item = Field<'a>>,
    limits: &Limits,
) -> Result<(), HeadError> {
    let start = out.len();
    let written = (|| {
        out.extend_from_slice(&head.deadline_ms.to_le_bytes());
        out.extend_from_slice(&head.parent.map_or(0, StreamId::get).to_le_bytes());
        check_method(head.method.as_bytes())?;
        check_target(head.target)?;
        put_u8(out, head.method.as_bytes(), HeadError::Method)?;
        put_u16(out, head.target.as_bytes(), HeadError::Target)?;
        write_fields(out, fields, start, limits)
    })();
    written.inspect_err(|_| out.truncate(start))
}

pub(crate) fn write_response<'a>(
    out: &mut Vec<u8>,
    status: u16,
    fields: impl IntoIterator<Item = Field<'a>>,
    limits: &Limits,
) -> Result<(), HeadError> {
    let start = out.len();
    let written = (|| {
        check_status(status)?;
        out.extend_from_slice(&status.to_le_bytes());
        write_fields(out, fields, start, limits)
    })();
    written.inspect_err(|_| out.truncate(start))
}

fn write_fields<'a>(
    out: &mut Vec<u8>,
    fields: impl IntoIterator<Item = Field<'a>>,
    start: usize,
    limits: &Limits,
) -> Result<(), HeadError> {
    let count_at = out.len();
    out.extend_from_slice(&[0, 0]);
    let mut count: u16 = 0;
    for (name, value) in fields {
        if usize::from(count) >= limits.max_fields.min(usize::from(u16::MAX)) {
            return Err(HeadError::TooManyFields(limits.max_fields));
        }
        let id = names::id(name);
        if id == 0 {
            check_name(name)?;
        }
        if !is_text(value) {
            return Err(HeadError::Value(String::from_utf8_lossy(name).into_owned()));
        }
        let len = u16::try_from(value.len()).map_err(|_| HeadError::TooLong(limits.max_head))?;
        let [low, high] = len.to_le_bytes();
        if id == 0 {
            out.push(0);
            put_u8(out, name, HeadError::Name)?;
            out.extend_from_slice(&[low, high]);
        } else {
            out.extend_from_slice(&[id, low, high]);
        }
        out.extend_from_slice(value);
        // Within the loop too: no iterator makes us hold more than one value above the limit.
        check_len(out.len() - start, limits)?;
        count += 1;
    }
    check_len(out.len() - start, limits)?;
    out[count_at..count_at + 2].copy_from_slice(&count.to_le_bytes());
    Ok(())
}

fn check_len(len: usize, limits: &Limits) -> Result<(), HeadError> {
    if len <= limits.max_head { Ok(()) } else { Err(HeadError::TooLong(limits.max_head)) }
}

fn put_u8(out: &mut Vec<u8>, bytes: &[u8], error: HeadError) -> Result<(), HeadError> {
    out.push(u8::try_from(bytes.len()).map_err(|_| error)?);
    out.extend_from_slice(bytes);
    Ok(())
}

fn put_u16(out: &mut Vec<u8>, bytes: &[u8], error: HeadError) -> Result<(), HeadError> {
    out.extend_from_slice(&u16::try_from(bytes.len()).map_err(|_| error)?.to_le_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

pub(crate) fn read_request<'a>(payload: &'a [u8], limits: &Limits) -> Result<RequestRef<'a>, HeadError> {
    let mut reader = Reader(payload);
    let deadline_ms = u32::from_le_bytes(reader.array()?);
    let parent = Some(u64::from_le_bytes(reader.array()?)).filter(|&id| id != 0).map(StreamId);
    let len = usize::from(reader.u8()?);
    let method = reader.take(len)?;
    check_method(method)?;
    let len = usize::from(reader.u16()?);
    let target = std::str::from_utf8(reader.take(len)?).map_err(|_| HeadError::Target)?;
    check_target(target)?;
    let method = std::str::from_utf8(method).map_err(|_| HeadError::Method)?;
    Ok(RequestRef { method, target, deadline_ms, parent, fields: reader.fields(limits)? })
}

pub(crate) fn read_response<'a>(payload: &'a [u8], limits: &Limits) -> Result<ResponseRef<'a>, HeadError> {
    let mut reader = Reader(payload);
    let status = reader.u16()?;
    check_status(status)?;
    Ok(ResponseRef { status, fields: reader.fields(limits)? })
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], HeadError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(HeadError::Length)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], HeadError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(HeadError::Length)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, HeadError> {
        Ok(self.array::<1>()?[0])
    }

    fn u16(&mut self) -> Result<u16, HeadError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// One field, its lengths checked but not its characters.
    fn field(&mut self) -> Result<(u8, &'a str, &'a [u8]), HeadError> {
        let (id, name) = match self.u8()? {
            0 => {
                let len = usize::from(self.u8()?);
                let name = std::str::from_utf8(self.take(len)?).map_err(|_| HeadError::Name)?;
                (names::id(name.as_bytes()), name)
            }
            id => (id, names::name(id).ok_or(HeadError::Name)?),
        };
        let len = usize::from(self.u16()?);
        Ok((id, name, self.take(len)?))
    }

    fn fields(mut self, limits: &Limits) -> Result<Fields<'a>, HeadError> {
        let count = self.u16()?;
        if usize::from(count) > limits.max_fields {
            return Err(HeadError::TooManyFields(limits.max_fields));
        }
        let bytes = self.0;
        for _ in 0..count {
            let (id, name, value) = self.field()?;
            if id == 0 {
                check_name(name.as_bytes())?;
            }
            if !is_text(value) {
                return Err(HeadError::Value(name.to_owned()));
            }
        }
        if !self.0.is_empty() {
            return Err(HeadError::Length);
        }
        Ok(Fields { count, bytes })
    }
}

fn check_method(method: &[u8]) -> Result<(), HeadError> {
    let ok = method.len() <= 32 && is_token(method);
    if ok { Ok(()) } else { Err(HeadError::Method) }
}

fn check_target(target: &str) -> Result<(), HeadError> {
    let ok = !target.is_empty() && target.bytes().all(|b| b > 0x20 && b != 0x7f);
    if ok { Ok(()) } else { Err(HeadError::Target) }
}

fn check_status(status: u16) -> Result<(), HeadError> {
    if (200..=599).contains(&status) { Ok(()) } else { Err(HeadError::Status(status)) }
}

fn check_name(name: &[u8]) -> Result<(), HeadError> {
    if is_lower_token(name) { Ok(()) } else { Err(HeadError::Name) }
}

#[cfg(test)]
mod tests;
