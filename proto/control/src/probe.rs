//! What a probe may ask for: the same rule at both ends.

/// The longest path, with its query.
const MAX: usize = 1024;

/// The path of a probe, with a query if need be, as the plugin sees it.
///
/// # Errors
/// Says what is wrong with it, and what to write instead.
pub fn check(path: &str) -> Result<String, String> {
    let bare = path.split('?').next().unwrap_or_default();
    if !path.starts_with('/') {
        return Err("does not begin with a slash: write for example /health".into());
    }
    if path.len() > MAX {
        return Err(format!("is longer than {MAX} bytes"));
    }
    if !path.bytes().all(|b| b.is_ascii_graphic() && !b"#\\\"<>`{|}^".contains(&b)) {
        return Err("has characters that must be percent-encoded".into());
    }
    if bare.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err("has a dot segment: write the path that it leads to".into());
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn paths() {
        for good in ["/", "/health", "/a/b?ready=1&x=..", "/%20"] {
            assert_eq!(check(good), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "health",
            "?x",
            "/a b",
            "/ä",
            "/a#b",
            "/../x",
            "/a/.",
            "/a\nb",
            &format!("/{}", "x".repeat(MAX_PATH)),
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    const MAX_PATH: usize = super::MAX;
}
