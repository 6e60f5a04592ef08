//! The rules of `ARCHITECTURE.md` that Cargo and the compiler do not keep by themselves.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which fail loudly")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Who may import whom: everything of ours that a crate may name in its (non-dev) dependencies.
const IMPORTS: &[(&str, &[&str])] = &[
    ("valor-wire", &[]),
    ("valor-control", &[]),
    ("valor-abi", &[]),
    ("valor-macros", &[]),
    ("valord", &["valor-wire", "valor-control"]),
    ("valor-shim-core", &["valor-wire"]),
    ("valor-shim", &["valor-shim-core", "valor-abi"]),
    ("valor-shim-js", &["valor-shim-core"]),
    ("valor-shim-wasm", &["valor-shim-core", "valor-abi"]),
    ("valorctl", &["valor-control"]),
    ("valor", &["valor-abi", "valor-macros"]),
    ("valor-test-features", &[]),
];

/// Where `unsafe` may stand, each for its reason.
const UNSAFE: &[&str] = &[
    "daemon/src/sys/schedule.rs",
    "plugin-shim/core/src/sandbox/",
    "plugin-shim/core/tests/",
    "plugin-shim/native/",
    "plugin-shim/js/src/engine/memory.rs",
    "plugin-shim/js/src/engine/web.rs",
    "plugin-shim/js/src/host/bytes.rs",
    "plugin-shim/js/src/host/text.rs",
    "plugin-shim/wasm/src/component/ready.rs",
    "plugin-shim/wasm/src/load.rs",
    "sdk/abi/",
    "sdk/macros/src/",
    "sdk/macros/tests/",
    "sdk/rust/src/native/",
    "sdk/rust/src/wasm/",
    "sdk/rust/tests/",
    "daemon/tests/plugins/",
];

/// Licences that everybody can live with; an SPDX expression must be satisfiable with these alone.
const LICENSES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "0BSD",
    "BSL-1.0",
    "CC0-1.0",
    "Unlicense",
    "MIT-0",
    "CDLA-Permissive-2.0",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(["--locked".to_owned()])
        .exec()
        .unwrap()
}

fn is_example(package: &Package) -> bool {
    let dir = package.manifest_path.strip_prefix(root().to_str().unwrap()).unwrap().to_string();
    dir.contains("examples/") || dir.contains("tests/plugins/")
}

#[test]
fn crates_import_only_what_they_may() {
    let metadata = metadata();
    let members = metadata.workspace_packages();
    let ours: BTreeSet<&str> = members.iter().map(|p| p.name.as_str()).collect();
    for package in &members {
        let allowed: &[&str] = match IMPORTS.iter().find(|(name, _)| *name == package.name.as_str()) {
            Some((_, allowed)) => allowed,
            None if is_example(package) => &["valor", "valor-abi"],
            None => panic!("{} is in no rule: add it to IMPORTS", package.name),
        };
        for dependency in package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development) {
            let name = dependency.name.as_str();
            assert!(
                !ours.contains(name) || allowed.contains(&name),
                "{} must not import {name}",
                package.name
            );
        }
    }
    for (name, _) in IMPORTS {
        assert!(ours.contains(name), "{name} of IMPORTS is no member any more");
    }
}

#[test]
fn examples_name_only_valor() {
    for package in metadata().workspace_packages() {
        if package.manifest_path.as_str().contains("/examples/") {
            let ours: Vec<_> = package
                .dependencies
                .iter()
                .filter(|d| d.name.starts_with("valor"))
                .map(|d| &d.name)
                .collect();
            assert_eq!(ours, ["valor"], "{}", package.name);
        }
    }
}

#[test]
fn licenses_are_permissive() {
    fn alternatives(expression: &str) -> Vec<String> {
        expression
            .replace(['(', ')'], "")
            .replace('/', " OR ")
            .split(" OR ")
            .map(|s| s.trim().to_owned())
            .collect()
    }
    for package in metadata().packages {
        let license = package.license.as_deref().unwrap_or_else(|| panic!("{} has no licence", package.name));
        let fine =
            alternatives(license).iter().any(|one| one.split(" AND ").all(|l| LICENSES.contains(&l.trim())));
        assert!(fine, "{} is licensed {license}", package.name);
    }
}

/// All Rust files below the workspace's own folders.
fn sources() -> Vec<(String, String)> {
    fn walk(dir: &Path, root: &Path, out: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = entry.file_name().into_string().unwrap();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                walk(&path, root, out);
            } else if name.ends_with(".rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                out.push((path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), text));
            }
        }
    }
    let root = root();
    let mut out = Vec::new();
    for dir in ["proto", "daemon", "plugin-shim", "ctl", "sdk", "examples"] {
        walk(&root.join(dir), &root, &mut out);
    }
    assert!(out.len() > 50, "the walk has found only {} files", out.len());
    out
}

#[test]
fn unsafe_stands_only_where_it_may() {
    let needle = ["unsafe", " "].concat();
    for (path, text) in sources() {
        if UNSAFE.iter().any(|allowed| path.starts_with(allowed)) || path == "daemon/tests/architecture.rs" {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            assert!(
                !code.contains(&needle) || code.contains('"'),
                "{path}:{}: unsafe is not for this place",
                number + 1
            );
        }
    }
}

#[test]
fn the_data_plane_does_not_know_the_supervisor() {
    for (path, text) in sources() {
        let lower = [
            "daemon/src/http/",
            "daemon/src/link/",
            "daemon/src/plane/",
            "daemon/src/routes",
            "daemon/src/store/",
        ];
        if lower.iter().any(|dir| path.starts_with(dir)) {
            for upper in ["supervisor", "control"] {
                assert!(!text.contains(&format!("crate::{upper}")), "{path} names crate::{upper}");
            }
        }
        if path.starts_with("daemon/src/") && !path.starts_with("daemon/src/sys/") {
            for os in ["nix::", "rustix::process", "rustix::mount"] {
                let uses = |line: &str| {
                    line.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
                        .any(|w| w.starts_with(os))
                };
                assert!(!text.lines().any(uses), "{path} uses {os}: that is for daemon/src/sys/");
            }
        }
    }
}

#[test]
fn every_dependency_has_its_line() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let metadata = metadata();
    let members = metadata.workspace_packages();
    let ours: BTreeSet<&str> = members.iter().map(|p| p.name.as_str()).collect();
    let direct: BTreeSet<&str> = members
        .iter()
        .flat_map(|p| &p.dependencies)
        .map(|d| d.name.as_str())
        .filter(|n| !ours.contains(n))
        .collect();
    let missing: Vec<_> = direct.into_iter().filter(|name| !text.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md does not say why these are there: {missing:?}");
}

/// What passes the disk can be made to fail at each step by the tests of crashes; what goes around it cannot.
#[test]
fn only_the_disk_changes_the_state_directory() {
    const CHANGES: &[&str] = &[
        "fs::write",
        "fs::rename",
        "fs::remove",
        "fs::create_dir",
        "fs::set_permissions",
        "DirBuilder",
        "File::create",
        "chown(",
        "write_all(",
        "sync_all(",
        ".persist(",
        "tempfile_in(",
    ];
    let (disk, tests) = ("daemon/src/store/disk", "daemon/src/store/tests");
    for (path, text) in sources() {
        if path.starts_with("daemon/src/store/") && !path.starts_with(disk) && !path.starts_with(tests) {
            for change in CHANGES {
                assert!(!text.contains(change), "{path} has {change}: that is for {disk}.rs");
            }
        }
    }
}
