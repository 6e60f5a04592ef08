use proptest::prelude::*;

use super::*;
use crate::plugin::{Grants, Limits};

fn route(name: &str, prefix: &str) -> Route {
    let plugin = Plugin::new(name, prefix, Limits::default(), Grants::default());
    Route { plugin, target: Target::Down(Down::Starting), published: None }
}

fn routes(prefixes: &[&str]) -> Routes {
    Routes::build(prefixes.iter().map(|prefix| route(prefix, prefix)).collect()).unwrap()
}

fn found<'a>(routes: &'a Routes, path: &'a str) -> Option<(&'a str, &'a str)> {
    routes.find(path).map(|(route, rest)| (&*route.plugin.prefix, rest))
}

#[test]
fn the_longest_prefix_at_a_segment_boundary_wins() {
    let r = routes(&["/foo", "/foo/bar", "/a/b/c"]);
    for (path, expect) in [
        ("/foo", Some(("/foo", "/"))),
        ("/foo/", Some(("/foo", "/"))),
        ("/foo/x", Some(("/foo", "/x"))),
        ("/foobar", None),
        ("/foo.", None),
        ("/Foo", None),
        ("/foo/bar", Some(("/foo/bar", "/"))),
        ("/foo/barx", Some(("/foo", "/barx"))),
        ("/foo/bar/x/y", Some(("/foo/bar", "/x/y"))),
        ("/foo//bar", Some(("/foo", "//bar"))),
        ("//foo", None),
        ("/a/b", None),
        ("/a/b/c", Some(("/a/b/c", "/"))),
        ("/", None),
        ("", None),
        ("*", None),
    ] {
        assert_eq!(found(&r, path), expect, "{path}");
    }
}

#[test]
fn the_root_takes_what_nobody_else_takes() {
    let r = routes(&["/", "/foo"]);
    assert_eq!(found(&r, "/"), Some(("/", "/")));
    assert_eq!(found(&r, "/foobar"), Some(("/", "/foobar")));
    assert_eq!(found(&r, "/foo/x"), Some(("/foo", "/x")));
    assert_eq!(found(&r, "//x"), Some(("/", "//x")));
    assert_eq!(found(&r, "*"), None);
    assert_eq!(found(&routes(&["/"]), "/any/thing"), Some(("/", "/any/thing")));
}

#[test]
fn a_taken_prefix_is_a_conflict_that_names_both() {
    let conflict =
        Routes::build(vec![route("one", "/foo"), route("two", "/bar"), route("three", "/foo")]).unwrap_err();
    assert_eq!(
        conflict.to_string(),
        "prefix /foo is taken by plugin one: choose another prefix for three, or replace one"
    );
}

#[test]
fn prefixes_are_given_one_form_or_refused() {
    for (prefix, normal) in [
        ("/", "/"),
        ("/foo", "/foo"),
        ("/foo/", "/foo"),
        ("/a-b._~!/c@d:e", "/a-b._~!/c@d:e"),
        ("/a/_b", "/a/_b"),
    ] {
        assert_eq!(check_prefix(prefix).as_deref(), Ok(normal));
    }
    let long = format!("/{}", "x".repeat(256));
    let deep = "/x".repeat(17);
    for (prefix, message) in [
        ("", "prefix \"\" does not start with a slash: write it as \"/\""),
        ("foo", "prefix \"foo\" does not start with a slash: write it as \"/foo\""),
        ("//", "prefix \"//\" has an empty segment: remove the doubled slash"),
        ("/a//b", "prefix \"/a//b\" has an empty segment: remove the doubled slash"),
        ("/a//", "prefix \"/a//\" has an empty segment: remove the doubled slash"),
        ("/../a", "prefix \"/../a\" has a dot segment: write the path that is meant"),
        ("/a/.", "prefix \"/a/.\" has a dot segment: write the path that is meant"),
        ("/a%2fb", "prefix \"/a%2fb\" has the character '%': use letters, digits and -._~!$&'()*+,;=:@"),
        ("/a b", "prefix \"/a b\" has the character ' ': use letters, digits and -._~!$&'()*+,;=:@"),
        ("/a?b", "prefix \"/a?b\" has the character '?': use letters, digits and -._~!$&'()*+,;=:@"),
        (
            "/\u{e9}",
            "prefix \"/\u{e9}\" has the character '\u{e9}': use letters, digits and -._~!$&'()*+,;=:@",
        ),
        (
            "/_health",
            "prefix \"/_health\" is reserved: first segments that begin with an underscore belong to valord",
        ),
    ] {
        assert_eq!(check_prefix(prefix).unwrap_err().to_string(), message);
    }
    for prefix in [&long, &deep] {
        let message = check_prefix(prefix).unwrap_err().to_string();
        assert!(message.ends_with("is too long: at most 256 bytes and 16 segments"), "{message}");
        assert!(message.len() < 200, "{message}");
    }
}

/// What the routes promise, the slow way.
fn expected<'a>(prefixes: &[String], path: &'a str) -> Option<(String, &'a str)> {
    let fits = |prefix: &String| {
        if prefix == "/" {
            return Some((prefix.clone(), path)).filter(|_| path.starts_with('/'));
        }
        let rest = path.strip_prefix(prefix.as_str())?;
        match rest {
            "" => Some((prefix.clone(), "/")),
            _ if rest.starts_with('/') => Some((prefix.clone(), rest)),
            _ => None,
        }
    };
    prefixes.iter().filter_map(fits).max_by_key(|(prefix, _)| prefix.len())
}

proptest! {
    #[test]
    fn looking_up_agrees_with_the_slow_way(
        prefixes in proptest::collection::btree_set("/|(/[ab]{1,2}){1,4}", 0..8),
        path in "(/[ab]{0,3}){0,6}/?",
    ) {
        let prefixes: Vec<String> = prefixes.into_iter().collect();
        let routes = routes(&prefixes.iter().map(String::as_str).collect::<Vec<_>>());
        let found = routes.find(&path).map(|(route, rest)| (route.plugin.prefix.to_string(), rest));
        prop_assert_eq!(found, expected(&prefixes, &path));
    }

    #[test]
    fn a_checked_prefix_is_its_own_normal_form(prefix in "\\PC{0,40}|(/[a-z_.%]{0,3}){0,5}") {
        if let Ok(normal) = check_prefix(&prefix) {
            prop_assert_eq!(check_prefix(&normal).unwrap(), normal.clone());
            prop_assert!(normal.starts_with('/') && (normal == "/" || !normal.ends_with('/')));
        }
    }
}
