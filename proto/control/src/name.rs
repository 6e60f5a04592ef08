//! What a plugin may be called: the name is also a file name, a header value and a word in logs.

/// The longest name, in bytes.
pub const MAX_NAME: usize = 64;

/// Lower-case letters, digits, `-`, `_` and `.`, beginning with a letter or digit, at most [`MAX_NAME`].
///
/// # Errors
/// Says which rule is broken.
pub fn check(name: &str) -> Result<(), &'static str> {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    match name.as_bytes() {
        [] => Err("it is empty"),
        long if long.len() > MAX_NAME => Err("it is longer than 64 bytes"),
        [first, ..] if !plain(*first) => Err("it must begin with a lower-case letter or a digit"),
        all if !all.iter().all(|&c| plain(c) || matches!(c, b'-' | b'_' | b'.')) => {
            Err("only lower-case letters, digits, `-`, `_` and `.` may stand in it")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in ["a", "hello", "hello-2", "a.b_c", "0x", &"x".repeat(64)] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        let long = "x".repeat(65);
        for bad in ["", ".", "..", ".a", "-a", "_a", "A", "ä", "a/b", "a b", "a\n", "a\0", "../a", &long] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
