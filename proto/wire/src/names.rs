//! Header names that travel as one byte. The table only grows at its end: an id never changes its meaning.

/// Id 1 is the first entry; id 0 announces a literal name.
pub const WELL_KNOWN: [&str; 72] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
    "access-control-request-headers",
    "access-control-request-method",
    "age",
    "allow",
    "authorization",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-range",
    "content-security-policy",
    "content-type",
    "cookie",
    "date",
    "dnt",
    "etag",
    "expect",
    "expires",
    "forwarded",
    "from",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "last-modified",
    "link",
    "location",
    "max-forwards",
    "origin",
    "pragma",
    "range",
    "referer",
    "referrer-policy",
    "retry-after",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-fetch-user",
    "server",
    "set-cookie",
    "strict-transport-security",
    "traceparent",
    "tracestate",
    "user-agent",
    "vary",
    "via",
    "warning",
    "www-authenticate",
    "x-content-type-options",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-frame-options",
    "x-request-id",
    "x-correlation-id",
    "x-valor-plugin",
    "x-real-ip",
];

/// The name of a well-known id, `None` for 0 and for ids beyond the table.
#[must_use]
pub fn name(id: u8) -> Option<&'static str> {
    WELL_KNOWN.get(usize::from(id).checked_sub(1)?).copied()
}

/// The id of a name in lower case, 0 where it has none.
#[must_use]
pub fn id(name: &[u8]) -> u8 {
    // One bucket for each length keeps the scan to a few comparisons.
    BY_LENGTH.get(name.len()).map_or(0, |ids| {
        ids.iter()
            .copied()
            .take_while(|&id| id != 0)
            .find(|&id| {
                let known = WELL_KNOWN[usize::from(id) - 1].as_bytes();
                // The last byte tells most of them apart.
                known.last() == name.last() && known == name
            })
            .unwrap_or(0)
    })
}

const LONGEST: usize = 33;
const BUCKET: usize = 12;

static BY_LENGTH: [[u8; BUCKET]; LONGEST] = {
    let mut table = [[0; BUCKET]; LONGEST];
    let mut i = 0;
    while i < WELL_KNOWN.len() {
        let bucket = &mut table[WELL_KNOWN[i].len()];
        let mut slot = 0;
        while bucket[slot] != 0 {
            slot += 1;
        }
        #[expect(clippy::cast_possible_truncation, reason = "the table has fewer than 256 entries")]
        let id = i as u8 + 1;
        bucket[slot] = id;
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_its_id_and_back() {
        for (i, text) in WELL_KNOWN.iter().enumerate() {
            assert_eq!(usize::from(id(text.as_bytes())), i + 1, "{text}");
            assert_eq!(name(id(text.as_bytes())), Some(*text));
            assert_eq!(*text, text.to_ascii_lowercase());
        }
        assert_eq!(id(b"x-nobody-knows"), 0);
        assert_eq!(id(&[b'a'; 300]), 0);
        // Whatever differs from a known name by one byte is another one, or none.
        for text in WELL_KNOWN {
            for at in 0..text.len() {
                for b in 0..=255_u8 {
                    let mut near = text.as_bytes().to_vec();
                    near[at] = b;
                    let expect = WELL_KNOWN.iter().position(|known| known.as_bytes() == near);
                    assert_eq!(usize::from(id(&near)), expect.map_or(0, |i| i + 1));
                }
            }
        }
        assert_eq!(name(0), None);
        assert_eq!(name(255), None);
    }
}
