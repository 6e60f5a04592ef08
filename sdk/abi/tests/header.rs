//! `sdk/include/valor.h` and this crate are the same: sizes, offsets and values by a C compiler, signatures and names by text.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::mem::offset_of;
use std::path::{Path, PathBuf};

use valor_abi::*;

const RUST: &str = include_str!("../src/lib.rs");
const HEADER: &str = include_str!("../../include/valor.h");

macro_rules! layout {
    ($($type:ident { $($field:ident),* })*) => {
        /// `sizeof` and `offsetof` in C, with what Rust says.
        fn layouts() -> Vec<(String, usize)> {
            vec![$(
                (format!("sizeof({})", stringify!($type)), size_of::<$type>()),
                $((format!("offsetof({}, {})", stringify!($type), stringify!($field)), offset_of!($type, $field)),)*
            )*]
        }

        /// The fields that are compared, by struct.
        fn compared() -> BTreeMap<&'static str, Vec<&'static str>> {
            BTreeMap::from([$((stringify!($type), vec![$(stringify!($field)),*]),)*])
        }
    };
}

layout! {
    valor_str { ptr, len }
    valor_bytes { ptr, len, release, context }
    valor_field { name, value }
    valor_request { method, target, fields, field_count, block, deadline_ms, end }
    valor_response { status, end, fields, field_count }
    valor_worker_args { index, count, fds, fd_count, config, name }
    valor_host {
        abi, size, pump, flush, set_wake, created, set_user, respond, read, write, reset, stop, release, fetch, response,
        failure, log
    }
    valor_plugin { abi, size, sdk, create, run_worker, on_request, on_event, on_release }
}

/// The numeric constants of the crate, as its source has them.
fn constants() -> Vec<(&'static str, i64)> {
    let lines = RUST.lines().filter_map(|line| line.strip_prefix("pub const "));
    lines
        .filter_map(|line| {
            let (name, rest) = line.split_once(':')?;
            let value = rest.split_once('=')?.1.trim().trim_end_matches(';').parse().ok()?;
            Some((name, value))
        })
        .collect()
}

/// `struct name { fields }` of the crate's source, without the opaque ones.
fn structs() -> BTreeMap<&'static str, Vec<(&'static str, String)>> {
    let mut out = BTreeMap::new();
    for part in RUST.split("pub struct ").skip(1) {
        let (name, rest) = part.split_once('{').unwrap();
        let body: String =
            rest.split_once("\n}").unwrap().0.lines().filter(|l| !l.trim().starts_with("//")).collect();
        let fields = body.split("pub ").skip(1).map(|f| f.split_once(':').unwrap());
        let fields: Vec<_> = fields
            .map(|(field, ty)| {
                let at = part.find(&format!("pub {field}:")).unwrap() + 4;
                (&part[at..at + field.len()], ty.trim().trim_end_matches(',').to_owned())
            })
            .collect();
        if !fields.is_empty() {
            out.insert(name.trim(), fields);
        }
    }
    out
}

/// A field as C declares it, without any space.
fn declaration(field: &str, ty: &str) -> String {
    let ty: String = ty.split_whitespace().collect::<Vec<_>>().join(" ");
    let inner = ty.strip_prefix("Option<").map_or(ty.as_str(), |t| t.trim_end_matches('>'));
    let inner = inner.trim().trim_end_matches(',');
    let text = match inner.strip_prefix("unsafe extern \"C\" fn(") {
        Some(function) => function_pointer(field, function),
        None => format!("{}{field};", c_type(inner)),
    };
    text.split_whitespace().collect()
}

fn function_pointer(name: &str, signature: &str) -> String {
    let close = signature.rfind(')').unwrap();
    let result =
        signature[close + 1..].trim().strip_prefix("->").map_or("void".to_owned(), |t| c_type(t.trim()));
    let mut depth = 0_i32;
    let mut arguments = vec![String::new()];
    for char in signature[..close].chars() {
        match char {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if char == ',' && depth == 0 {
            arguments.push(String::new());
        } else {
            arguments.last_mut().unwrap().push(char);
        }
    }
    let arguments = arguments.iter().filter(|a| !a.trim().is_empty());
    let arguments: Vec<_> = arguments
        .map(|argument| {
            let (name, ty) = argument.trim().split_once(": ").unwrap();
            declaration(name, ty).trim_end_matches(';').to_owned()
        })
        .collect();
    format!("{result}(*{name})({});", arguments.join(","))
}

fn c_type(rust: &str) -> String {
    if let Some(to) = rust.strip_prefix("*const ") {
        return format!("const {}*", c_type(to));
    }
    if let Some(to) = rust.strip_prefix("*mut ") {
        return format!("{}*", c_type(to));
    }
    match rust {
        "u8" => "uint8_t",
        "u32" => "uint32_t",
        "usize" => "size_t",
        "c_int" => "int",
        "c_char" => "char",
        "c_void" => "void",
        ours => ours,
    }
    .to_owned()
}

#[test]
fn every_field_is_declared_the_same() {
    // Comments out, spaces out.
    let mut code = String::new();
    let mut rest = HEADER;
    while let Some((before, after)) = rest.split_once("/*") {
        code.push_str(before);
        rest = after.split_once("*/").unwrap().1;
    }
    code.push_str(rest);
    let code: String = code.split_whitespace().collect();
    for (name, fields) in structs() {
        let start =
            code.find(&format!("typedefstruct{name}{{")).unwrap_or_else(|| panic!("{name} is missing"));
        let length = code[start..].find(&format!("}}{name};")).unwrap();
        let mut at = start;
        for (field, ty) in fields {
            let expected = declaration(field, &ty);
            let found = code[at..start + length].find(&expected);
            at += found.unwrap_or_else(|| panic!("{name}: {expected} is missing, or not in its place"))
                + expected.len();
        }
    }
}

#[test]
fn every_struct_is_compared() {
    let ours: BTreeMap<_, Vec<_>> = structs()
        .into_iter()
        .map(|(name, fields)| (name, fields.into_iter().map(|f| f.0).collect()))
        .collect();
    assert_eq!(ours, compared());
    assert!(constants().len() > 20, "{:?}", constants());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test that asks the C compiler")]
fn a_c_compiler_agrees() {
    let mut source = "#include \"valor.h\"\n#include <stddef.h>\nVALOR_MANIFEST(\"{}\")\n".to_owned();
    let assert = |source: &mut String, expression: &str, value: i64| {
        writeln!(source, "_Static_assert({expression} == {value}, \"{expression} is not {value}\");")
            .unwrap();
    };
    for (expression, value) in layouts() {
        assert(&mut source, &expression, i64::try_from(value).unwrap());
    }
    for (name, value) in constants() {
        assert(&mut source, name, value);
    }
    source.push_str("const valor_plugin *valor_plugin_entry(void) { return 0; }\n");

    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = dir.join("header.c");
    std::fs::write(&file, source).unwrap();
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    for standard in ["-std=c11", "-std=gnu17"] {
        let mut command = std::process::Command::new(&compiler);
        command.args([standard, "-Wall", "-Wextra", "-Werror", "-Wno-unknown-warning-option", "-fPIC", "-c"]);
        let output =
            command.arg("-I").arg(&include).arg("-o").arg(dir.join("header.o")).arg(&file).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
