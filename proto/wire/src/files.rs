//! Several files as one: what the one-shot `transpile` answers. Whoever wrote it is a stranger, so all of it is checked before any of it is used.
//!
//! ```text
//! "valor files 1\n", then of each file: length of its name u8, its name, length of its content u32 (little-endian), its content
//! ```

use std::collections::HashSet;

/// How it begins; the number is its version.
const MAGIC: &[u8] = b"valor files 1\n";
/// More files are not taken.
pub const MAX_COUNT: usize = 64;
/// Longer names are not taken, in bytes.
pub const MAX_NAME: usize = 64;

/// Why it is none of these, or cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilesError {
    /// It begins otherwise.
    #[error("it does not begin as files do")]
    Magic,
    /// It ends within a file.
    #[error("it ends in the middle of a file")]
    Cut,
    /// There is nothing in it.
    #[error("it has no file")]
    Empty,
    /// There are too many.
    #[error("it has more than {MAX_COUNT} files")]
    Count,
    /// A name that could be a path, or something else than a name.
    #[error("a file has a name that is none: 1 to {MAX_NAME} of a-z, 0-9, `.`, `-` and `_`, first a letter")]
    Name,
    /// One name, two files.
    #[error("two files have the name {0}")]
    Twice(String),
    /// A file is longer than its length can say.
    #[error("{0} is larger than 4 GiB")]
    Size(String),
}

/// Puts files into one, in their order.
///
/// # Errors
/// When [`read`] would not take it.
pub fn write<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Vec<u8>, FilesError> {
    let mut out = MAGIC.to_vec();
    for (name, content) in files {
        let length = u32::try_from(content.len()).map_err(|_| FilesError::Size(name.to_owned()))?;
        out.push(u8::try_from(name.len()).map_err(|_| FilesError::Name)?);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(content);
    }
    read(&out)?;
    Ok(out)
}

/// The files, in their order, as parts of `bytes`: nothing is allocated by what it says.
///
/// # Errors
/// When anything of it is not as it must be.
pub fn read(bytes: &[u8]) -> Result<Vec<(&str, &[u8])>, FilesError> {
    let mut rest = bytes.strip_prefix(MAGIC).ok_or(FilesError::Magic)?;
    let mut files = Vec::new();
    let mut names = HashSet::new();
    while !rest.is_empty() {
        if files.len() == MAX_COUNT {
            return Err(FilesError::Count);
        }
        let name = take(&mut rest, 1).map(|length| usize::from(length[0]))?;
        let name = take(&mut rest, name)?;
        let name = std::str::from_utf8(name).ok().filter(|name| is_name(name)).ok_or(FilesError::Name)?;
        if !names.insert(name) {
            return Err(FilesError::Twice(name.to_owned()));
        }
        let length = take(&mut rest, 4)?.try_into().map(u32::from_le_bytes).unwrap_or(u32::MAX);
        let content = take(&mut rest, usize::try_from(length).unwrap_or(usize::MAX))?;
        files.push((name, content));
    }
    if files.is_empty() { Err(FilesError::Empty) } else { Ok(files) }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], FilesError> {
    let (taken, left) = rest.split_at_checked(length).ok_or(FilesError::Cut)?;
    *rest = left;
    Ok(taken)
}

fn is_name(name: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
    name.len() <= MAX_NAME
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(is_usual)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let files: [(&str, &[u8]); 3] =
            [("plugin.js", b"code"), ("plugin.core.wasm", &[0; 300]), ("empty", b"")];
        assert_eq!(read(&write(files).unwrap()).unwrap(), files);
    }

    #[test]
    fn a_name_is_no_path() {
        let long = "a".repeat(65);
        for name in ["", ".", "..", "../a", "a/b", "/a", "A", "a\\b", "a\0", "é", "1.js", "-a", long.as_str()]
        {
            assert_eq!(write([(name, &b"x"[..])]), Err(FilesError::Name), "{name:?}");
        }
        assert!(write([("a".repeat(64).as_str(), &b"x"[..])]).is_ok());
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let whole = write([("a", &b"12345"[..]), ("b", b"67")]).unwrap();
        let first = MAGIC.len() + 1 + 1 + 4 + 5;
        for end in 0..whole.len() {
            let expected = match end {
                end if end < MAGIC.len() => Err(FilesError::Magic),
                end if end == MAGIC.len() => Err(FilesError::Empty),
                end if end == first => Ok(vec![("a", &b"12345"[..])]),
                _ => Err(FilesError::Cut),
            };
            assert_eq!(read(&whole[..end]), expected, "{end}");
        }
        let mut longer = whole.clone();
        longer.extend([1, b'c', 255, 255, 255, 255]);
        assert_eq!(read(&longer), Err(FilesError::Cut), "a length that nothing stands behind");
        assert_eq!(write([("a", &b""[..]), ("a", b"")]), Err(FilesError::Twice("a".to_owned())));
        let names: Vec<String> = (0..=MAX_COUNT).map(|number| format!("f{number}")).collect();
        let many = |count| write(names[..count].iter().map(|name| (name.as_str(), &b""[..])));
        assert!(many(MAX_COUNT).is_ok());
        assert_eq!(many(MAX_COUNT + 1), Err(FilesError::Count));
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..200), position in 0..60usize, byte: u8) {
            let _any = read(&[MAGIC, &bytes].concat());
            let mut whole = write([("a", &b"12345"[..]), ("b", b"67"), ("c.js", b"")]).unwrap();
            if let Some(place) = whole.get_mut(position) {
                *place = byte;
            }
            if let Ok(files) = read(&whole) {
                prop_assert!(files.iter().map(|(name, content)| name.len() + content.len() + 5).sum::<usize>() + MAGIC.len() == whole.len());
            }
        }
    }
}
