//! Which prefixes a plugin can have. Both ends check, so that a malformed one is told without a daemon.

/// The most segments of a prefix.
pub const MAX_SEGMENTS: usize = 16;
/// The longest prefix in bytes.
pub const MAX_BYTES: usize = 256;

/// Checks a prefix and gives it the one form in which it is kept: without a slash at its end, `/` for everything.
///
/// # Errors
///
/// Says what is wrong and what to write instead, when the prefix could be matched in more than one way or is the
/// daemon's own.
pub fn check(prefix: &str) -> Result<String, String> {
    if prefix == "/" {
        return Ok(prefix.to_owned());
    }
    let Some(path) = prefix.strip_prefix('/') else {
        return Err(format!("does not start with a slash: write it as \"/{prefix}\""));
    };
    let path = path.strip_suffix('/').unwrap_or(path);
    // `pchar` of RFC 3986 without percent-encoding, so that a prefix has one spelling only.
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/-._~!$&'()*+,;=:@".contains(c);
    if let Some(c) = path.chars().find(|&c| !allowed(c)) {
        return Err(format!("has the character {c:?}: use letters, digits and -._~!$&'()*+,;=:@"));
    }
    for segment in path.split('/') {
        match segment {
            "" => return Err("has an empty segment: remove the doubled slash".into()),
            "." | ".." => return Err("has a dot segment: write the path that is meant".into()),
            _ => {}
        }
    }
    if path.starts_with('_') {
        return Err("is reserved: first segments that begin with an underscore belong to valord".into());
    }
    if prefix.len() > MAX_BYTES || path.split('/').count() > MAX_SEGMENTS {
        return Err(format!("is too long: at most {MAX_BYTES} bytes and {MAX_SEGMENTS} segments"));
    }
    Ok(format!("/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_ones_have_one_form() {
        let cases = [("/", "/"), ("/a", "/a"), ("/a/", "/a"), ("/a/b-c._~", "/a/b-c._~"), ("/a/_b", "/a/_b")];
        for (prefix, kept) in cases {
            assert_eq!(check(prefix).as_deref(), Ok(kept));
        }
    }

    #[test]
    fn bad_ones_say_what_to_write() {
        let cases = [
            ("", "slash"),
            ("a", "write it as \"/a\""),
            ("//", "empty segment"),
            ("//a", "empty segment"),
            ("/a//", "empty segment"),
            ("/a//b", "empty segment"),
            ("/a/../b", "dot segment"),
            ("/.", "dot segment"),
            ("/%61", "character '%'"),
            ("/a b", "character ' '"),
            ("/a?b", "character '?'"),
            ("/a\\b", "character '\\\\'"),
            ("/ä", "character 'ä'"),
            ("/_health", "reserved"),
            ("/_", "reserved"),
            ("/_valor", "reserved"),
            ("/_valor/", "reserved"),
            ("/_valor/plugins/x", "reserved"),
        ];
        for (prefix, why) in cases {
            let error = check(prefix).unwrap_err();
            assert!(error.contains(why), "{prefix:?}: {error}");
        }
        assert!(check(&format!("/{}", "a".repeat(300))).unwrap_err().contains("too long"));
        assert!(check(&"/a".repeat(17)).unwrap_err().contains("too long"));
        assert!(check(&"/a".repeat(16)).is_ok());
    }
}
