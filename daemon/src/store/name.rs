//! What a plugin may be called: the name is also a file name, a header value and a word in logs.

pub use valor_control::name::{MAX_NAME, check as check_name};

/// The name that a file suggests: its stem without `lib`, in lower case; `None` where that is no name.
#[must_use]
pub fn name_of_file(file_name: &str) -> Option<String> {
    let base = file_name.rsplit('/').next()?;
    // `libfoo.so.1.2` is foo, too.
    let stem = base
        .split_once(".so")
        .map_or_else(|| base.rsplit_once('.').map_or(base, |(stem, _)| stem), |(stem, _)| stem);
    let name = stem.strip_prefix("lib").filter(|rest| !rest.is_empty()).unwrap_or(stem).to_ascii_lowercase();
    check_name(&name).ok().map(|()| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_suggest_names() {
        for (file, name) in [
            ("libhello.so", Some("hello")),
            ("/tmp/x/libhello_plugin.so", Some("hello_plugin")),
            ("libfoo.so.1.2", Some("foo")),
            ("Foo.so", Some("foo")),
            ("lib.so", Some("lib")),
            ("plugin", Some("plugin")),
            ("a.b.wasm", Some("a.b")),
            (".so", None),
            ("", None),
            ("libä.so", None),
        ] {
            assert_eq!(name_of_file(file).as_deref(), name, "{file}");
        }
    }
}
