//! From what is asked for to grants that make sense.

use std::path::{Component, Path, PathBuf};

pub use valor_control::plugins::Grants as Wanted;

use crate::egress::NetGrant;
use crate::plugin::Grants;

/// Grants of one kind.
const MAX_GRANTS: usize = 256;
/// PATH_MAX of Linux, without its NUL.
const MAX_PATH: usize = 4095;
/// Their text, all together: they travel in one message to the plugin's process.
const MAX_TEXT: usize = 128 << 10;

/// Checks every grant; `lookup` is the daemon's own environment. Errors are pairs of field and reason.
///
/// # Errors
/// All that is wrong, not only the first.
pub fn build_grants(
    wanted: &Wanted,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<Grants, Vec<(String, String)>> {
    let mut wrong = too_many(wanted);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut grants = Grants::default();
    for (index, text) in wanted.net.iter().enumerate() {
        match text.parse::<NetGrant>() {
            Ok(grant) => push(&mut grants.net, grant.to_string()),
            Err(error) => wrong.push((format!("net[{index}]"), error.to_string())),
        }
    }
    let paths = [("read", &wanted.read, &mut grants.read), ("write", &wanted.write, &mut grants.write)];
    for (field, texts, into) in paths {
        for (index, text) in texts.iter().enumerate() {
            match path(text) {
                Ok(path) => push(into, path),
                Err(reason) => wrong.push((format!("{field}[{index}]"), reason.to_owned())),
            }
        }
    }
    for (index, text) in wanted.env.iter().enumerate() {
        match variable(text, &lookup) {
            Ok((name, value)) => {
                grants.env.retain(|(known, _)| *known != name);
                grants.env.push((name, value));
            }
            Err(reason) => wrong.push((format!("env[{index}]"), reason)),
        }
    }
    let values: usize = grants.env.iter().map(|(_, value)| value.len()).sum();
    if values > MAX_TEXT {
        wrong.push((
            "env".to_owned(),
            format!("the values have {values} bytes, more than {MAX_TEXT}: use a file"),
        ));
    }
    if wrong.is_empty() { Ok(grants) } else { Err(wrong) }
}

fn too_many(wanted: &Wanted) -> Vec<(String, String)> {
    let kinds =
        [("net", &wanted.net), ("read", &wanted.read), ("write", &wanted.write), ("env", &wanted.env)];
    let mut wrong = Vec::new();
    let mut bytes = 0;
    for (field, texts) in kinds {
        bytes += texts.iter().map(String::len).sum::<usize>();
        if texts.len() > MAX_GRANTS {
            let count = texts.len();
            wrong.push((
                field.to_owned(),
                format!("{count} are more than {MAX_GRANTS}: grant a directory or a range"),
            ));
        }
        if bytes > MAX_TEXT && wrong.is_empty() {
            wrong.push((
                field.to_owned(),
                format!("all grants together have more than {MAX_TEXT} bytes: use a file"),
            ));
        }
    }
    wrong
}

fn push<T: PartialEq>(into: &mut Vec<T>, value: T) {
    if !into.contains(&value) {
        into.push(value);
    }
}

fn path(text: &str) -> Result<PathBuf, &'static str> {
    let path = Path::new(text);
    if text.contains('\0') {
        return Err("a path has no NUL");
    }
    if text.len() > MAX_PATH {
        return Err("a path has at most 4095 bytes");
    }
    if !path.is_absolute() {
        return Err("write an absolute path");
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err("write the path without `..`");
    }
    if path == Path::new("/") {
        return Err("the whole file system is no grant: name what is needed in it");
    }
    // Without doubled and trailing slashes.
    Ok(path.components().collect())
}

fn variable(text: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<(String, String), String> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(plain) || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!(
            "{name:?} is no name of a variable: write NAME=VALUE, or NAME for the daemon's own value"
        ));
    }
    // The loader of the plugin's own process would obey them.
    if name.starts_with("LD_") || name.starts_with("GLIBC_") || name.starts_with("MALLOC_") {
        return Err(format!("{name} would steer the loader of the plugin's process: leave it out"));
    }
    let Some(value) = value.or_else(|| lookup(name)) else {
        return Err(format!("{name} is not set for valord: write {name}=VALUE"));
    };
    if value.contains('\0') {
        Err(format!("the value of {name} has a NUL"))
    } else {
        Ok((name.to_owned(), value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn grants_are_normalised_and_not_doubled() {
        let wanted = Wanted {
            net: list(&["Example.ORG:443", "example.org:443", "10.1.2.3/8:5432"]),
            read: list(&["/usr//share/", "/usr/share"]),
            write: list(&["/srv/x"]),
            env: list(&["A=1", "A=2=3", "LANG", "EMPTY="]),
        };
        let grants = build_grants(&wanted, |name| (name == "LANG").then(|| "C".to_owned())).unwrap();
        assert_eq!(grants.net, ["example.org:443", "10.0.0.0/8:5432"]);
        assert_eq!(grants.read, [PathBuf::from("/usr/share")]);
        assert_eq!(grants.write, [PathBuf::from("/srv/x")]);
        let env: Vec<_> = grants.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(env, [("A", "2=3"), ("LANG", "C"), ("EMPTY", "")]);
    }

    #[test]
    fn there_is_an_end_to_grants() {
        let wrong = |wanted: Wanted| build_grants(&wanted, |_| Some("v".repeat(70 << 10))).unwrap_err();
        let many = Wanted { net: vec!["a.example".into(); 257], ..Wanted::default() };
        assert_eq!(wrong(many)[0].1, "257 are more than 256: grant a directory or a range");
        let long = Wanted { env: vec![format!("A={}", "x".repeat(130 << 10))], ..Wanted::default() };
        assert_eq!(
            wrong(long)[0],
            ("env".into(), "all grants together have more than 131072 bytes: use a file".into())
        );
        let ours = Wanted { env: list(&["A", "B"]), ..Wanted::default() };
        assert_eq!(wrong(ours)[0].1, "the values have 143360 bytes, more than 131072: use a file");
        let path = Wanted { read: vec![format!("/{}", "x".repeat(4095))], ..Wanted::default() };
        assert_eq!(wrong(path)[0], ("read[0]".into(), "a path has at most 4095 bytes".into()));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let wanted = Wanted {
            net: list(&["http://x"]),
            read: list(&["relative", "/a/../b", "/", "/a\0"]),
            write: list(&[""]),
            env: list(&["UNSET", "=x", "1A=x", "LD_PRELOAD=/x", "A=\0"]),
        };
        let wrong = build_grants(&wanted, |_| None).unwrap_err();
        let fields: Vec<_> = wrong.iter().map(|(field, _)| field.as_str()).collect();
        let expected = [
            "net[0]", "read[0]", "read[1]", "read[2]", "read[3]", "write[0]", "env[0]", "env[1]", "env[2]",
            "env[3]", "env[4]",
        ];
        assert_eq!(fields, expected);
    }
}
