//! What a plugin needs of this machine, and what this machine has not.

use std::fs;

use super::*;

#[test]
fn a_plugin_in_c_can_run() {
    let inspection = plugin(
        "#include <math.h>\n#include <resolv.h>\ndouble f(double x) { return cos(x); } int g(void) { return res_init(); }",
        &["-Wl,--no-as-needed", "-lm", "-lresolv"],
    );
    assert_eq!(inspection.problem, None);
    assert_eq!((inspection.kind, inspection.arch.as_str()), ("native", std::env::consts::ARCH));
    let sonames: Vec<&str> = inspection.libraries.iter().map(|library| library.soname.as_str()).collect();
    assert!(sonames.contains(&"libresolv.so.2"), "{sonames:?}");
    assert!(!sonames.contains(&"libc.so.6"), "the shim has it");
}

#[test]
fn a_missing_library_is_named() {
    let inspection = Stub::new("libmissing-here.so.7", None).user(&[], &search());
    let said = "it needs the library libmissing-here.so.7, which this machine does not have";
    assert_eq!(step(&inspection), ("needed", said));
    assert!(cure(&inspection).starts_with("install the package that has libmissing-here.so.7 "));
}

#[test]
fn a_library_by_path_is_told() {
    let inspection = Stub::new("/opt/lib/libx.so", None).user(&[], &search());
    assert_eq!(step(&inspection).0, "needed");
    assert!(step(&inspection).1.contains("\"/opt/lib/libx.so\" by path"), "{inspection:?}");
    assert_eq!(cure(&inspection), "link by name: give the library a soname");
}

/// The file that is sent is alone: what lay beside it where it was built does not come along.
#[test]
fn a_runpath_of_the_plugin_leads_nowhere() {
    let stub = Stub::new("libbeside.so", None);
    fs::copy(stub.path(), stub.0.path().join("libbeside.so")).unwrap();
    let there = format!("-Wl,-rpath,{}", stub.0.path().display());
    for (arguments, runpath) in [
        (["-Wl,-rpath,$ORIGIN", "-Wl,--enable-new-dtags"], "$ORIGIN"),
        (["-Wl,-rpath,$ORIGIN/../lib", "-Wl,--disable-new-dtags"], "$ORIGIN/../lib"),
        ([&there, "-Wl,--enable-new-dtags"], stub.0.path().to_str().unwrap()),
    ] {
        let inspection = stub.user(&arguments, &search());
        let said = format!(
            "it needs the library libbeside.so, which this machine does not have; its RUNPATH {runpath:?} leads nowhere, \
             for a plugin travels alone"
        );
        assert_eq!(step(&inspection), ("needed", said.as_str()));
        let expected =
            "link libbeside.so statically, or install it in a directory that /etc/ld.so.conf.d lists";
        assert_eq!(cure(&inspection), expected);
    }
}

/// As distributions have it: /usr/lib/x86_64-linux-gnu/pulseaudio, found by the RUNPATH of a library above.
#[test]
fn a_runpath_within_the_machines_directories_is_followed() {
    let machine = tempfile::tempdir().unwrap();
    let machine = machine.path().canonicalize().unwrap();
    fs::create_dir(machine.join("private")).unwrap();
    fs::copy(Stub::new("libinner.so", None).path(), machine.join("private/libinner.so")).unwrap();
    for runpath in ["$ORIGIN/private", "${ORIGIN}/private", machine.join("private").to_str().unwrap()] {
        let outer = compile(
            "int stub(void); int outer(void) { return stub(); }",
            &[
                "-shared",
                "-fPIC",
                "-Wl,-soname,libouter.so",
                &format!("-Wl,-rpath,/nowhere:{runpath}"),
                machine.join("private/libinner.so").to_str().unwrap(),
            ],
        );
        fs::write(machine.join("libouter.so"), outer).unwrap();
        let outer = machine.join("libouter.so");
        let source = "int outer(void); int f(void) { return outer(); }";
        // The linker wants to see for itself what the library needs.
        let arguments = [outer.to_str().unwrap(), "-Wl,--allow-shlib-undefined"];
        let inspection = plugin_in(source, &arguments, &search().and_in(&machine));
        assert_eq!(inspection.problem, None, "{runpath}");
        let inner = inspection.libraries.iter().find(|library| library.soname == "libinner.so").unwrap();
        assert_eq!(inner.path, machine.join("private/libinner.so").to_str().unwrap());
    }
}

#[test]
fn a_library_for_some_processors_only_is_told() {
    let machine = tempfile::tempdir().unwrap();
    let variant = machine.path().join("glibc-hwcaps/x86-64-v3");
    fs::create_dir_all(&variant).unwrap();
    let stub = Stub::new("libnewest.so.1", None);
    fs::copy(stub.path(), variant.join("libnewest.so.1")).unwrap();
    let inspection = stub.user(&[], &search().and_in(machine.path()));
    let said = format!(
        "it needs the library libnewest.so.1, which this machine does not have but for some processors ({})",
        variant.join("libnewest.so.1").display()
    );
    assert_eq!(step(&inspection), ("needed", said.as_str()));
    // With one for all of them, that one is taken.
    fs::copy(stub.path(), machine.path().join("libnewest.so.1")).unwrap();
    let inspection = stub.user(&[], &search().and_in(machine.path()));
    assert_eq!(inspection.problem, None);
    assert_eq!(inspection.libraries[0].path, machine.path().join("libnewest.so.1").to_str().unwrap());
}

#[test]
fn a_library_of_another_machine_is_passed_over() {
    let machine = tempfile::tempdir().unwrap();
    let stub = Stub::new("libother.so.1", None);
    let mut bytes = fs::read(stub.path()).unwrap();
    bytes[18] = 243;
    fs::write(machine.path().join("libother.so.1"), &bytes).unwrap();
    let search = search().and_in(machine.path());
    assert_eq!(step(&stub.user(&[], &search)).0, "needed");
    // As one that is cut short, or no library at all.
    fs::write(machine.path().join("libother.so.1"), &bytes[..19]).unwrap();
    assert_eq!(step(&stub.user(&[], &search)).0, "needed");
    fs::write(machine.path().join("libother.so.1"), "/* GNU ld script */\n").unwrap();
    assert_eq!(step(&stub.user(&[], &search)).0, "needed");
}

#[test]
fn a_symbol_that_nobody_has_is_named() {
    let inspection = plugin("int nobody_has_this(void); int f(void) { return nobody_has_this(); }", &[]);
    let said = "it uses the symbol `nobody_has_this`, which none of the libraries that it is linked to has";
    assert_eq!(step(&inspection), ("symbols", said));
    assert_eq!(cure(&inspection), "link it to the library that has it (-l...), or statically");
}

#[test]
fn a_newer_glibc_is_told() {
    let inspection = Stub::new("libc.so.6", Some("GLIBC_2.999")).user(&[], &search());
    let here = Machine::here().glibc;
    let said = format!("it needs glibc 2.999, this machine has glibc {here}");
    assert_eq!(step(&inspection), ("symbols", said.as_str()));
    let expected = format!("build it on a system with glibc {here} or older ");
    assert!(cure(&inspection).starts_with(&expected), "{inspection:?}");
}

#[test]
fn a_newer_version_of_another_library_is_told() {
    let inspection = Stub::new("libgcc_s.so.1", Some("GCC_99.0")).user(&[], &search());
    let said = "it needs version GCC_99.0 of libgcc_s.so.1, this machine's has it not";
    assert_eq!(step(&inspection), ("symbols", said));
}

#[test]
fn musl_is_told() {
    // As Alpine names it, and as musl's own gcc wrapper does.
    for soname in ["libc.musl-x86_64.so.1", "libc.so"] {
        let inspection = Stub::new(soname, None).user(&[], &search());
        let said = format!("it is built for musl (it needs {soname}), valor-shim runs on glibc");
        assert_eq!(step(&inspection), ("libc", said.as_str()));
        assert_eq!(cure(&inspection), format!("build it for {}-unknown-linux-gnu", std::env::consts::ARCH));
    }
}
