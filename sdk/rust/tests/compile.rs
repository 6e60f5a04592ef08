//! What `#[vlugin]` accepts and how it refuses the rest.

#[test]
fn the_snippets_compile_and_mistakes_are_explained() {
    let tests = trybuild::TestCases::new();
    tests.pass("tests/ui/ok_*.rs");
    tests.compile_fail("tests/ui/no_*.rs");
}
