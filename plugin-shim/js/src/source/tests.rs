use super::*;

fn source(text: &str) -> Source {
    Source::new("hello.js", text.as_bytes()).unwrap()
}

fn refusal(text: &str) -> String {
    source(text).parse().unwrap_err().to_string()
}

#[test]
fn what_is_no_text_is_told_by_its_byte() {
    let of = |bytes: &[u8]| Source::new("x.js", bytes).unwrap_err();
    assert_eq!(of(b"abc\xff"), SourceError::Encoding(3));
    assert_eq!(of(b"ab\0c"), SourceError::Nul(2));
    assert_eq!(of(b" \n"), SourceError::Empty);
    assert!(matches!(of(&vec![b' '; MAX + 1]), SourceError::TooLarge(_)));
    assert_eq!(Source::new("x.js", b"\xef\xbb\xbflet a").unwrap().text(), "let a");
}

#[test]
fn a_syntax_error_names_file_line_and_column_and_points_there() {
    let text = refusal("const a = 1;\n\tlet b = = 2;\n");
    assert!(text.starts_with("hello.js:2:10: "), "{text}");
    assert!(text.ends_with("\n  \tlet b = = 2;\n  \t        ^"), "{text}");
    let long = format!("let a = \"{}\"; let = = b;", "x".repeat(10_000));
    let text = refusal(&long);
    assert!(text.len() < 400 && text.contains("let = = b"), "{text}");
    let caret = text.lines().last().unwrap().chars().count() - 3;
    assert!(
        text.lines().nth(1).unwrap().chars().skip(2 + caret).collect::<String>().starts_with('='),
        "{text}"
    );
}

#[test]
fn an_import_is_refused_by_its_name() {
    let text = refusal("import { x } from \"./other.js\";\nexport default { fetch() {} };");
    assert!(text.contains("./other.js") && text.contains("one file"), "{text}");
    assert!(refusal("import \"valor:host\";").contains("valor:host"));
}

#[test]
fn nothing_runs_when_it_is_parsed() {
    assert_eq!(source("for (;;) {}\nexport default 1;").parse(), Ok(()));
    assert_eq!(source("await 1; throw new Error();").parse(), Ok(()));
}

#[test]
fn deep_nesting_is_refused_and_nothing_falls() {
    let text = format!("x = {}1{}", "[".repeat(200_000), "]".repeat(200_000));
    assert!(source(&text).parse().is_err());
}

#[test]
fn the_manifest_is_in_the_first_comment_that_is_called_valor() {
    let json = "{ \"name\": \"hello\" }";
    for text in [
        format!("/* valor {json} */ x"),
        format!("#!/usr/bin/env x\n// licence\n\n/* other */\n/** valor\n * {json}\n */"),
        format!("/*valor\n{json}*/"),
    ] {
        assert_eq!(source(&text).manifest().as_deref(), Some(json), "{text}");
    }
    for text in ["x; /* valor {} */", "/* valorous {} */", "/* valor {}", "// valor {}", "#!only", "/* a */"]
    {
        assert_eq!(source(text).manifest(), None, "{text}");
    }
}
