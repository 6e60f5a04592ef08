//! Files that cannot be loaded here: told in the same words offline, by `register` and by the API, and nothing stays.

use std::path::{Path, PathBuf};

use tonic_types::StatusExt as _;
use valor_control::v1::ListRequest;

use crate::artifacts::{built, command};
use crate::client::{self, Spec};
use crate::ctl::valorctl;
use crate::daemon::{Daemon, directory};
use crate::listing::{listing, until_as_before};
use crate::neighbour::Neighbour;

pub(crate) const ENTRY: &str = "int valor_plugin_entry(void) { return 1; }\n";
const ARCH: &str = std::env::consts::ARCH;

/// Where files are made that are no plugins.
pub(crate) struct Workshop<'a>(pub(crate) &'a Path);

impl Workshop<'_> {
    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn cc(&self, name: &str, source: &str, arguments: &[&str]) -> PathBuf {
        let path = self.0.join(name);
        let source = self.file(&format!("{name}.c"), source.as_bytes());
        let output =
            command("cc").arg(source).arg("-o").arg(&path).args(arguments).current_dir(self.0).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        path
    }

    pub(crate) fn library(&self, name: &str, source: &str, arguments: &[&str]) -> PathBuf {
        self.cc(name, source, &[&["-shared", "-fPIC"], arguments].concat())
    }

    /// A plugin that is linked to a library of this soname, which has this version of `stub`.
    fn linked(&self, name: &str, soname: &str, version: Option<&str>, arguments: &[&str]) -> PathBuf {
        let stub = format!("stub-of-{name}");
        let mut options = vec!["-nostdlib".to_owned(), format!("-Wl,-soname,{soname}")];
        if let Some(version) = version {
            self.file("versions", format!("{version} {{ global: stub; }};").as_bytes());
            options.push("-Wl,--version-script=versions".to_owned());
        }
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        self.library(&stub, "int stub(void) { return 1; }", &options);
        let source = format!("{ENTRY}int stub(void); int f(void) {{ return stub(); }}");
        self.library(name, &source, &[&["-nostdlib", stub.as_str()], arguments].concat())
    }

    fn patched(&self, name: &str, from: &Path, patches: &[(usize, u8)]) -> PathBuf {
        let mut bytes = std::fs::read(from).unwrap();
        for &(at, value) in patches {
            bytes[at] = value;
        }
        self.file(name, &bytes)
    }
}

/// Bytes of a generator that is always seeded the same.
fn random() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        state.to_be_bytes()
    };
    std::iter::repeat_with(next).take(512).flatten().collect()
}

/// File, step, message, and a part of the cure.
type Case = (PathBuf, &'static str, String, &'static str);

fn cases(dir: &Path) -> Vec<Case> {
    let shop = Workshop(dir);
    let good = shop.library("good.so", ENTRY, &[]);
    let bytes = std::fs::read(&good).unwrap();
    let no = |what: &str| format!("it is not a native library but {what}");
    let send = "send the .so file";
    let shared = "crate-type = [\"cdylib\"]";
    let mut cases = vec![
        (
            shop.file("image.so", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01"),
            "format",
            no("data of an unknown kind"),
            send,
        ),
        (shop.file("random.so", &random()), "format", no("data of an unknown kind"), send),
        (shop.file("zip.so", b"PK\x03\x04\x14\0\0\0"), "format", no("a zip archive"), send),
        (shop.file("pe.so", b"MZ\x90\0\x03\0\0\0"), "format", no("a Windows program or library"), send),
        (
            shop.file("macho.so", b"\xcf\xfa\xed\xfe\x07\0\0\x01"),
            "format",
            no("a macOS program or library"),
            send,
        ),
        (
            shop.file("archive.so", b"!<arch>\nplugin.o/"),
            "format",
            no("a static library (an archive of object files)"),
            shared,
        ),
        (
            shop.cc("program.so", "int main(void) { return 0; }", &[]),
            "format",
            "it is not a library but a program".to_owned(),
            shared,
        ),
        (
            shop.cc("object.so", ENTRY, &["-c"]),
            "format",
            "it is not a library but an object file that is not linked".to_owned(),
            shared,
        ),
        (
            shop.library("symbol.so", "int something_else;", &[]),
            "entry",
            "it exports no `valor_plugin_entry`, so it is not a plugin".to_owned(),
            "#[vlugin]",
        ),
        (
            shop.library(
                "abi.so",
                &format!(
                    "{ENTRY}__attribute__((section(\"valor-manifest\"), used)) static const char m[] = \"{{\\\"abi\\\":2}}\";"
                ),
                &[],
            ),
            "abi",
            "it is built for version 2 of the plugin ABI, valor-shim speaks version 1".to_owned(),
            "update valor",
        ),
        (
            shop.linked("musl.so", "libc.musl-x86_64.so.1", None, &[]),
            "libc",
            "it is built for musl (it needs libc.musl-x86_64.so.1), valor-shim runs on glibc".to_owned(),
            "unknown-linux-gnu",
        ),
        (
            shop.linked("needed.so", "libnot-here.so.3", None, &[]),
            "needed",
            "it needs the library libnot-here.so.3, which this machine does not have".to_owned(),
            "install the package that has libnot-here.so.3",
        ),
        (
            shop.linked("runpath.so", "libbeside.so", None, &["-Wl,-rpath,$ORIGIN"]),
            "needed",
            "it needs the library libbeside.so, which this machine does not have; its RUNPATH \"$ORIGIN\" leads nowhere, \
             for a plugin travels alone"
                .to_owned(),
            "link libbeside.so statically",
        ),
        (
            shop.library("undefined.so", &format!("{ENTRY}int nobody(void); int f(void) {{ return nobody(); }}"), &[]),
            "symbols",
            "it uses the symbol `nobody`, which none of the libraries that it is linked to has".to_owned(),
            "link it to the library that has it",
        ),
    ];
    let (other, name) = if ARCH == "x86_64" { (183, "aarch64") } else { (62, "x86_64") };
    for (file, patches, arch) in
        [("machine.so", &[(18, other)][..], name), ("class.so", &[(4, 1), (18, 3)], "i686")]
    {
        let message = format!("it is built for {arch}, this machine is {ARCH}");
        cases.push((shop.patched(file, &good, patches), "architecture", message, "unknown-linux-gnu"));
    }
    for (length, why) in [
        (3, "it ends within its header"),
        (19, "it ends within its header"),
        (63, "Invalid ELF header size or alignment"),
        (bytes.len() / 2, "a segment ends beyond the end of the file"),
        (bytes.len() - 1, "Invalid ELF section header offset/size/alignment"),
    ] {
        let file = shop.file(&format!("cut-{length}.so"), &bytes[..length]);
        let message = format!("it is truncated or damaged: {why}");
        cases.push((file, "format", message, "build it again and send it whole"));
    }
    cases
}

#[tokio::test]
async fn each_is_told_in_the_same_words_everywhere_and_leaves_nothing() {
    let dir = directory();
    let daemon = Daemon::start(dir.path()).await;
    let (control, state) = (dir.path().join("control.sock"), dir.path().join("state"));
    let neighbour = Neighbour::register(daemon.control.clone(), daemon.address).await;
    let (before, processes) = (listing(&state), daemon.processes());
    let shop = directory();
    for (file, step, message, cure) in cases(shop.path()) {
        let what = file.display();
        let refused = client::register(daemon.control.clone(), Spec::new(&file, "x")).await.expect_err(step);
        assert_eq!(refused.code(), tonic::Code::Unknown, "{what}: {refused}");
        let info = refused.get_details_error_info().unwrap();
        assert_eq!((refused.message(), &*info.metadata["step"]), (&*message, step), "{what}");
        assert_eq!(info.reason, "ARTIFACT_UNUSABLE");
        assert!(info.metadata["cure"].contains(cure), "{what}: {}", info.metadata["cure"]);

        let told = format!("error: {step}: {message}\n  help: {}\n", info.metadata["cure"]);
        let path = file.to_str().unwrap();
        let checked = valorctl(&control, ["check", path]).await;
        assert_eq!((checked.code, &*checked.stderr), (1, &*told), "{what}");
        let last = checked.stdout.lines().last().unwrap();
        assert_eq!(last.split_whitespace().collect::<Vec<_>>(), ["loads:", "no"], "{what}");
        let registered = valorctl(&control, ["register", path, "--name", "x"]).await;
        assert_eq!((registered.code, &*registered.stderr, &*registered.stdout), (1, &*told, ""), "{what}");

        until_as_before(&state, &before).await;
        daemon.until_processes(&processes).await;
        let plugins = daemon.control.clone().list(ListRequest {}).await.unwrap().into_inner().plugins;
        assert_eq!(plugins.iter().map(|plugin| &*plugin.name).collect::<Vec<_>>(), ["neighbour"], "{what}");
        let nothing = client::send(daemon.address, client::request("GET", "/x", "")).await.unwrap();
        assert_eq!(nothing.status(), 404, "{what}");
    }
    // An empty file has no artifact to look into.
    let empty = shop.path().join("empty.so");
    std::fs::write(&empty, "").unwrap();
    let checked = valorctl(&control, ["check", empty.to_str().unwrap()]).await;
    assert_eq!(checked.code, 1);
    assert!(checked.stderr.starts_with("error: format: it is not a native library but an empty file\n"));
    let registered = valorctl(&control, ["register", empty.to_str().unwrap(), "--name", "x"]).await;
    assert_eq!(registered.code, 2, "{}", registered.stderr);
    assert!(registered.stderr.contains("size: the file is empty; name the built plugin"));
    until_as_before(&state, &before).await;

    neighbour.was_served().await;
    let good = built("libhello_c_plugin.so");
    let registered = valorctl(&control, ["register", good.to_str().unwrap(), "--name", "x"]).await;
    assert_eq!((registered.code, &*registered.stdout), (0, "registered x at /x (ready)\n"));
}

/// Version scripts name the C library of this very machine, whose version is in the message.
#[tokio::test]
async fn a_newer_glibc_is_told_with_both_versions() {
    let shop = directory();
    let file = Workshop(shop.path()).linked("glibc.so", "libc.so.6", Some("GLIBC_2.999"), &[]);
    let checked = valorctl(Path::new("/nowhere"), ["check", file.to_str().unwrap()]).await;
    assert_eq!(checked.code, 1);
    let version = command("getconf").arg("GNU_LIBC_VERSION").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let here = version.trim().strip_prefix("glibc ").unwrap();
    let told = format!(
        "error: symbols: it needs glibc 2.999, this machine has glibc {here}\n  help: build it on a system with glibc {here} or \
         older (a container of this machine's release), or update this machine\n"
    );
    assert_eq!(checked.stderr, told);
}
