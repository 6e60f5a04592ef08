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
    if name.is_empty() {
        return 0;
    }
    // The only one that it can be.
    let id = BY_HASH[hash(name, SEED)];
    match WELL_KNOWN.get(usize::from(id).wrapping_sub(1)) {
        Some(known) if known.as_bytes() == name => id,
        _ => 0,
    }
}

/// Its place in [`BY_HASH`]: of its length and three of its bytes, which tell all well-known names apart.
const fn hash(name: &[u8], seed: u32) -> usize {
    let len = name.len();
    let key = u32::from_le_bytes([
        name[0],
        name[len.saturating_sub(4)],
        name[len - 1],
        #[expect(clippy::cast_possible_truncation, reason = "any number of it will do")]
        {
            len as u8
        },
    ]);
    (key.wrapping_mul(seed) >> (u32::BITS - SLOTS.ilog2())) as usize
}

const SLOTS: usize = 1024;

/// The first seed by which no two well-known names have the same place.
const SEED: u32 = {
    let mut seed = 0x9e37_79b1;
    while place(seed).is_none() {
        seed += 2;
    }
    seed
};

static BY_HASH: [u8; SLOTS] = place(SEED).expect("the seed was tried");

const fn place(seed: u32) -> Option<[u8; SLOTS]> {
    let mut table = [0; SLOTS];
    let mut id = 1;
    while id <= WELL_KNOWN.len() {
        let slot = &mut table[hash(WELL_KNOWN[id - 1].as_bytes(), seed)];
        if *slot != 0 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "the table has fewer than 256 entries")]
        {
            *slot = id as u8;
        }
        id += 1;
    }
    Some(table)
}

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
