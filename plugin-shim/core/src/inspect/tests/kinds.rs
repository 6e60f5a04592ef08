//! What is no plugin of this machine, and how that is said.

use super::*;

#[test]
fn the_manifest_is_read() {
    let section = |text: &str| {
        format!("__attribute__((section(\"valor-manifest\"), used)) static const char manifest[] = {text};")
    };
    let good = plugin(&section(r#""{\"name\":\"hello\",\"abi\":1}""#), &[]);
    assert_eq!(good.problem, None);
    assert_eq!(good.manifest.unwrap()["name"], "hello");
    let newer = plugin(&section(r#""{\"abi\":2}""#), &[]);
    assert_eq!(
        step(&newer),
        ("abi", "it is built for version 2 of the plugin ABI, valor-shim speaks version 1")
    );
    assert_eq!(cure(&newer), "update valor on this machine, or build the plugin with an older SDK");
    assert_eq!(step(&plugin(&section("\"[1]\""), &[])), ("format", "its manifest is not a JSON object"));
    assert_eq!(step(&plugin(&section("\"{\""), &[])).0, "format");
    let deep = format!("\"{}\"", "[".repeat(4000));
    assert_eq!(step(&plugin(&section(&deep), &[])).0, "format");
}

/// The daemon reads the same keys, and would otherwise blame the shim.
#[test]
fn a_manifest_of_another_shape_is_told() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(64), "]".repeat(64));
    for (text, why) in [
        ("{\"name\":5}", "has a `name` that is no string"),
        ("{\"sdk\":null}", "has a `sdk` that is no string"),
        ("{\"abi\":\"1\"}", "has an `abi` that is no version number"),
        ("{\"permissions\":[]}", "has `permissions` that are no object"),
        ("{\"permissions\":{\"net\":[1]}}", "has `permissions.net` that is no list of strings"),
        (&deep, "is nested deeper than 64 levels"),
    ] {
        let section = format!(
            "__attribute__((section(\"valor-manifest\"), used)) static const char manifest[] = {text:?};"
        );
        let inspection = plugin(&section, &[]);
        assert_eq!(step(&inspection), ("format", format!("its manifest {why}").as_str()));
    }
}

#[test]
fn a_library_without_entry_is_told() {
    let bytes = compile("int other;", &["-shared", "-fPIC"]);
    let inspection = inspect(&bytes, &search());
    assert_eq!(step(&inspection), ("entry", "it exports no `valor_plugin_entry`, so it is not a plugin"));
    assert!(cure(&inspection).contains("#[vlugin]") && cure(&inspection).contains("valor.h"));
    // It is there, and hidden.
    let hidden = format!("__attribute__((visibility(\"hidden\"))) {ENTRY}");
    assert_eq!(step(&inspect(&compile(&hidden, &["-shared", "-fPIC"]), &search())).0, "entry");
}

#[test]
fn a_program_is_told() {
    let main = format!("{ENTRY} int main(void) {{ return 0; }}");
    for (arguments, what) in [
        (&["-pie", "-fPIE", "-rdynamic"][..], "a program"),
        (&["-no-pie"], "a program"),
        (&["-static"], "a program"),
        (&["-c"], "an object file that is not linked"),
    ] {
        let inspection = inspect(&compile(&main, arguments), &search());
        let message = format!("it is not a library but {what}");
        assert_eq!(step(&inspection), ("format", message.as_str()), "{arguments:?}");
        assert!(cure(&inspection).contains("cdylib") && cure(&inspection).contains("-shared"));
    }
}

#[test]
fn another_machine_is_told() {
    let bytes = smallest();
    let own = std::env::consts::ARCH;
    let patched = |patches: &[(usize, u8)]| {
        let mut bytes = bytes.clone();
        for &(at, value) in patches {
            bytes[at] = value;
        }
        inspect(&bytes, &search())
    };
    let other = if own == "x86_64" { (183, "aarch64") } else { (62, "x86_64") };
    for (patches, arch) in [
        (&[(18, other.0)][..], other.1),
        (&[(18, 243)], "riscv64"),
        (&[(18, 0xfe), (19, 0xfe)], "an unknown machine (65278)"),
        // Another class, with and without the machine that goes with it.
        (&[(4, 1), (18, 3)], "i686"),
        (&[(4, 1), (18, 40)], "arm"),
        (&[(4, 1), (18, 62)], "x86_64 with 32-bit pointers (x32)"),
        // Another byte order.
        (&[(5, 2), (18, 0), (19, 22)], "s390x"),
        (&[(5, 2), (18, 0), (19, 183)], "aarch64_be"),
    ] {
        let inspection = patched(patches);
        let message = format!("it is built for {arch}, this machine is {own}");
        assert_eq!(step(&inspection), ("architecture", message.as_str()), "{patches:?}");
        assert_eq!(cure(&inspection), format!("build it for {own}-unknown-linux-gnu"));
        assert_eq!(inspection.arch, arch);
    }
    for (abi, system) in [(9, "FreeBSD"), (77, "another operating system (ELF OS ABI 77)")] {
        let inspection = patched(&[(7, abi)]);
        let message = format!("it is built for {system}, this machine runs Linux");
        assert_eq!(step(&inspection), ("architecture", message.as_str()));
    }
    assert_eq!(patched(&[(7, 3)]).problem, None, "GNU is Linux");
}

#[test]
fn other_files_are_told_by_what_they_seem_to_be() {
    for (bytes, kind) in [
        (&b""[..], "an empty file"),
        (b"\0asm\x01\0\0\0", "a WebAssembly module"),
        (b"\0asm\x0d\0\x01\0", "a WebAssembly component"),
        (b"#!/bin/sh\n", "a script"),
        (b"export default {}", "a text file"),
        (b"!<arch>\nx", "a static library (an archive of object files)"),
        (b"!<thin>\nx", "a thin archive of object files"),
        (b"MZ\x90\0\x03", "a Windows program or library"),
        (b"\xcf\xfa\xed\xfe\x07", "a macOS program or library"),
        (b"\xce\xfa\xed\xfe\x07", "a macOS program or library"),
        (b"\xca\xfe\xba\xbe\0\0\0\x02", "a macOS universal binary or a Java class"),
        (b"\x01\x02\x03", "data of an unknown kind"),
    ] {
        let inspection = inspect(bytes, &search());
        assert_eq!(step(&inspection), ("format", format!("it is not a native library but {kind}").as_str()));
        assert!(!cure(&inspection).is_empty(), "{kind}");
    }
}

/// What the sandbox refuses is told before it is tried.
#[test]
fn code_that_is_made_at_run_time_is_told() {
    let stack = plugin("", &["-Wl,-z,execstack"]);
    assert_eq!(step(&stack), ("load", "it asks for a stack that can be executed, which no plugin gets"));
    assert!(cure(&stack).contains("noexecstack"));
    let text = plugin("__asm__(\".text\\n.globl here\\nhere: .quad here\\n\");", &["-Wl,-z,notext"]);
    assert_eq!(step(&text).0, "load");
    assert!(step(&text).1.contains("text relocations") && cure(&text).contains("-fPIC"), "{text:?}");
}
