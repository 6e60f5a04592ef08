//! What is said about files that are no plugins, and about one that is.

use super::*;

fn of(text: &str) -> Inspection {
    look(&wat::parse_str(text).unwrap(), "key".to_owned())
}

/// A core module that speaks the ABI, with more in it.
fn module(more: &str) -> String {
    format!(
        r#"(module {more} (memory (export "memory") 1)
            (func (export "valor_abi_version") (result i32) i32.const 1)
            (func (export "valor_alloc") (param i32) (result i32) i32.const 0)
            (func (export "valor_receive") (param i32 i32)))"#
    )
}

#[test]
fn a_module_with_its_manifest() {
    let text = r#"(import "valor" "send" (func (param i32 i32)))
        (@custom "valor-manifest" "{\"name\":\"x\",\"permissions\":{\"net\":[\"h:1\"]}}")"#;
    let inspection = of(&module(text));
    assert_eq!((inspection.kind, inspection.problem), ("wasm", None));
    assert_eq!(inspection.manifest.unwrap()["permissions"]["net"][0], "h:1");
    assert_eq!(inspection.engine.unwrap(), "key");
}

#[test]
fn what_is_no_plugin_is_told_by_name() {
    for (text, step, part, cure) in [
        ("(module)", "entry", "no `valor_receive`", "#[vlugin]"),
        (r#"(module (import "wasi_snapshot_preview1" "fd_write" (func)))"#, "entry", "preview 1", "wasip2"),
        (
            r#"(module (func (export "wasi:http/incoming-handler@0.2.0#handle")))"#,
            "entry",
            "not the component",
            "wasm-tools",
        ),
        (&module(r#"(import "env" "malloc" (func))"#), "import", "`malloc` from `env`", "C function"),
        (&module(r#"(import "valor" "sing" (func))"#), "import", "`sing` from `valor`", "update"),
        (&module(r#"(import "wbg" "__wbg_getTimezoneOffset_1" (func))"#), "import", "chrono", "wasmbind"),
        (&module(r#"(import "wbg" "__wbg_foo" (func $uuid::new))"#), "import", "uuid", "`js`"),
        (
            &module(r#"(import "__wbindgen_placeholder__" "__wbg_foo" (func))"#),
            "import",
            "wasm-bindgen",
            "cargo tree",
        ),
        (&module(r#"(@custom "valor-manifest" "{")"#), "format", "not valid JSON", "#[vlugin"),
        (&module(r#"(@custom "valor-manifest" "{\"abi\":9}")"#), "abi", "version 9", "older SDK"),
        (r#"(module (func (export "valor_receive")))"#, "entry", "no `memory`", "#[vlugin]"),
        ("(component)", "entry", "exports nothing", "incoming-handler"),
        (
            r#"(component (instance $i) (export "wasi:cli/run@0.2.0" (instance $i)))"#,
            "entry",
            "a program",
            "wstd",
        ),
        (
            r#"(component (instance $i) (export "wasi:http/handler@0.3.0" (instance $i)))"#,
            "entry",
            "0.3.0",
            "WASI 0.2",
        ),
        (
            r#"(component (instance $i) (export "a:b/c" (instance $i)))"#,
            "entry",
            "another world",
            "incoming-handler",
        ),
        (
            r#"(component (import "a:b/c" (instance)) (instance $i) (export "wasi:http/incoming-handler@0.2.3" (instance $i)))"#,
            "import",
            "`a:b/c`",
            "leave out",
        ),
        (
            r#"(component (import "wasi:io/poll@0.3.0" (instance)) (instance $i)
                (export "wasi:http/incoming-handler@0.2.3" (instance $i)))"#,
            "import",
            "0.3.0",
            "WASI 0.2",
        ),
    ] {
        let problem = of(text).problem.unwrap_or_else(|| panic!("{text} passes"));
        let said = problem.step == step && problem.message.contains(part) && problem.cure.contains(cure);
        assert!(said, "{text}: {problem:?}");
    }
}

#[test]
fn what_is_no_webassembly_at_all() {
    let whole = wat::parse_str(module("")).unwrap();
    assert_eq!(look(&whole, String::new()).problem, None);
    for length in 0..whole.len() {
        let problem = look(&whole[..length], String::new()).problem.unwrap();
        assert!(["format", "entry"].contains(&problem.step), "{length}: {problem:?}");
    }
    assert_eq!(look(b"#!/bin/sh", String::new()).problem.unwrap().step, "format");
}
