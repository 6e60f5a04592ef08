//! Which characters a head may have.

/// Whether it is a token (RFC 9110 section 5.6.2), as methods and, in any case, header names are.
#[must_use]
pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && token_len(text) == text.len()
}

/// How many characters of a token stand in front.
#[must_use]
pub fn token_len(text: &[u8]) -> usize {
    text.iter().position(|&b| TOKEN[usize::from(b)] == 0).unwrap_or(text.len())
}

/// How many bytes stand in front of the first control character, of which a tab is none (RFC 9110 section 5.5).
#[must_use]
pub fn text_len(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(word) = text[at..].first_chunk() {
        if suspicious(*word)
            && let Some(found) = word.iter().position(is_control)
        {
            return at + found;
        }
        at += word.len();
    }
    text[at..].iter().position(is_control).map_or(text.len(), |found| at + found)
}

/// Whether there are no control characters but tabs.
pub(crate) fn is_text(text: &[u8]) -> bool {
    let Some(last) = text.last_chunk() else {
        return !text.iter().any(is_control);
    };
    // The last word reaches back into the one before it, so that no byte is looked at alone.
    let clean = !suspicious(*last) && !text.as_chunks().0.iter().any(|word| suspicious(*word));
    clean || text_len(text) == text.len()
}

/// Whether a name is a token in lower case.
pub(crate) fn is_lower_token(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|&b| TOKEN[usize::from(b)] == 1)
}

fn is_control(b: &u8) -> bool {
    (*b < 0x20 && *b != b'\t') || *b == 0x7f
}

/// Whether one of eight bytes is a control character, tabs among them.
fn suspicious(word: [u8; 8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let word = u64::from_ne_bytes(word);
    // A byte that is less borrows into its highest bit, which it did not have.
    let below = word.wrapping_sub(ONES * 0x20) & !word;
    let delete = word ^ (ONES * 0x7f);
    let equal = delete.wrapping_sub(ONES) & !delete;
    (below | equal) & HIGH != 0
}

/// 1 for the characters of a token, 2 for its upper-case letters, 0 for all others.
static TOKEN: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "i stays under 256")]
        let b = i as u8;
        table[i] = match b {
            b'A'..=b'Z' => 2,
            b'a'..=b'z' | b'0'..=b'9' => 1,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`'
            | b'|' | b'~' => 1,
            _ => 0,
        };
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    /// What RFC 9110 says, byte by byte, in every position that a check may look at differently.
    #[test]
    fn every_byte_is_judged_as_the_standard_does() {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        let text = |b: u8| b == b'\t' || (b >= 0x20 && b != 0x7f);
        for b in 0..=255_u8 {
            for len in 1..=70 {
                for at in 0..len {
                    // A neighbour that a borrow might reach, and one that it might start from.
                    for filler in [b'a', b' ', b'\t', 0x80, 0xff, 0x7e] {
                        let mut bytes = vec![filler; len];
                        bytes[at] = b;
                        let expect = if text(b) { len } else { at };
                        assert_eq!(text_len(&bytes), expect, "{b:#x} at {at} of {len}, {filler:#x}");
                        assert_eq!(is_text(&bytes), text(b), "{b:#x} at {at} of {len}, {filler:#x}");
                    }
                    let mut bytes = vec![b'a'; len];
                    bytes[at] = b;
                    assert_eq!(token_len(&bytes), if token(b) { len } else { at });
                    assert_eq!(is_token(&bytes), token(b), "{b:#x} at {at} of {len}");
                    let lower = token(b) && !b.is_ascii_uppercase();
                    assert_eq!(is_lower_token(&bytes), lower, "{b:#x} at {at} of {len}");
                }
            }
        }
        assert!(is_text(b"") && !is_token(b"") && !is_lower_token(b""));
    }

    /// Every pair of bytes side by side, in a word and across two.
    #[test]
    fn bytes_are_judged_each_for_itself() {
        let text = |b: u8| b == b'\t' || (b >= 0x20 && b != 0x7f);
        for (first, second) in (0..=255_u8).flat_map(|a| (0..=255_u8).map(move |b| (a, b))) {
            for at in [0, 3, 6, 7, 8] {
                let mut bytes = *b"0123456789";
                bytes[at..at + 2].copy_from_slice(&[first, second]);
                let expect = [first, second].into_iter().position(|b| !text(b)).map_or(10, |i| at + i);
                assert_eq!(text_len(&bytes), expect, "{first:#x} {second:#x} at {at}");
                assert_eq!(is_text(&bytes), expect == 10, "{first:#x} {second:#x} at {at}");
            }
        }
    }
}
