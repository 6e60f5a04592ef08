//! HTTP/1.1 framing by the letter of RFC 9112, for comparison: nothing is tolerated that two readers could see differently.

/// One request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Framed {
    pub(super) method: String,
    pub(super) fields: usize,
    /// `None`: it does not end within the input.
    pub(super) body: Option<Vec<u8>>,
}

/// Digits of a length that every reader has room for.
const MAX_DIGITS: usize = 19;

/// The requests of a connection, up to the first that is not to be read in exactly one way.
pub(super) fn read(bytes: &[u8]) -> Vec<Framed> {
    let mut reader = Reader(bytes);
    let mut all = Vec::new();
    while let Some(request) = reader.request() {
        let whole = request.body.is_some();
        all.push(request);
        if !whole {
            break;
        }
    }
    all
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next line without its CRLF, when there is one that holds neither CR nor LF.
    fn line(&mut self) -> Option<&'a [u8]> {
        let end = self.0.windows(2).position(|two| two == b"\r\n")?;
        let line = &self.0[..end];
        self.0 = &self.0[end + 2..];
        (!line.iter().any(|b| matches!(b, b'\r' | b'\n'))).then_some(line)
    }

    fn take(&mut self, n: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(n).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn request(&mut self) -> Option<Framed> {
        // Empty lines in front are no part of a request, whatever ends them (section 2.2).
        while let Some(rest) = self.0.strip_prefix(b"\r\n").or_else(|| self.0.strip_prefix(b"\n")) {
            self.0 = rest;
        }
        let start = self.line()?;
        let method = start.split(|&b| b == b' ').next().filter(|method| is_token(method))?;
        let (mut fields, mut lengths, mut codings) = (0, Vec::new(), 0);
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let at = line.iter().position(|&b| b == b':')?;
            let (name, value) = (&line[..at], line[at + 1..].trim_ascii());
            if !is_token(name) {
                return None;
            }
            fields += 1;
            if name.eq_ignore_ascii_case(b"content-length") {
                lengths.push(number(value, 10)?);
            }
            codings += usize::from(name.eq_ignore_ascii_case(b"transfer-encoding"));
        }
        let body = match (&lengths[..], codings) {
            ([], 0) => Some(Vec::new()),
            ([length], 0) => self.take(*length).map(<[u8]>::to_vec),
            ([], _) => self.chunked(),
            _ => return None,
        };
        Some(Framed { method: String::from_utf8_lossy(method).into_owned(), fields, body })
    }

    fn chunked(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let end = line.iter().position(|&b| b == b';').unwrap_or(line.len());
            let size = number(line[..end].trim_ascii(), 16)?;
            if size == 0 {
                break;
            }
            body.extend_from_slice(self.take(size)?);
            if self.take(2)? != b"\r\n" {
                return None;
            }
        }
        while !self.line()?.is_empty() {}
        Some(body)
    }
}

fn number(text: &[u8], radix: u32) -> Option<u64> {
    if text.len() > MAX_DIGITS || !text.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(text).ok()?, radix).ok()
}

fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}
