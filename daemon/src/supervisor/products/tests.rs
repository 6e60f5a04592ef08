//! A shell script stands for the shim: it writes down what it is asked to do.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use sha2::Digest as _;
use tempfile::TempDir;

use super::*;

struct Bench {
    dir: TempDir,
    products: Arc<Products>,
    artifact: ArtifactRef,
}

const COMPILE: &str = "echo compile >> LOG; echo \"of $(cat)\"";

impl Bench {
    /// With what the script does for `compile`, where `LOG` is the file of what it was asked.
    fn new(compile: &str) -> Self {
        Self::with(compile, |_| {})
    }

    fn with(compile: &str, change: impl FnOnce(&mut Options)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("state")).unwrap();
        let mut options = Options::new(dir.path().join("valor-shim"));
        change(&mut options);
        let products = Arc::new(Products::new(&options, store.clone()));
        let artifact = put(&store, b"artifact");
        let bench = Self { dir, products, artifact };
        bench.install("engine one", compile);
        bench
    }

    fn install(&self, key: &str, compile: &str) {
        let log = self.dir.path().join("log");
        let compile = compile.replace("LOG", &log.display().to_string());
        let script = format!(
            "#!/bin/sh\ncase $1 in engine) echo engine >> {}; echo '{key}';; compile) {compile};; \
             transpile) echo transpile >> {}; cat; echo ' for browsers';; *) exit 9;; esac\n",
            log.display(),
            log.display()
        );
        let shim = self.dir.path().join("valor-shim-wasm");
        // Another file, as an upgrade brings it; one that is being executed cannot be written to.
        fs::write(shim.with_extension("new"), script).unwrap();
        fs::set_permissions(shim.with_extension("new"), Permissions::from_mode(0o755)).unwrap();
        fs::rename(shim.with_extension("new"), shim).unwrap();
    }

    async fn get(&self) -> Result<PathBuf, ProductError> {
        self.products.get(Kind::Wasm, &self.artifact, Product::Compiled, || {}).await
    }

    /// How often it was asked for this.
    fn asked(&self, verb: &str) -> usize {
        let log = fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
        log.lines().filter(|line| *line == verb).count()
    }

    fn kept(&self) -> usize {
        fs::read_dir(self.dir.path().join("state/products")).unwrap().count()
    }
}

fn put(store: &Store, bytes: &[u8]) -> ArtifactRef {
    let hash: String = sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut writer = store.write_artifact(&hash, bytes.len() as u64).unwrap();
    writer.write(bytes).unwrap();
    writer.finish().unwrap()
}

#[tokio::test]
async fn it_is_made_once_and_read_only() {
    let bench = Bench::new(COMPILE);
    let path = bench.get().await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "of artifact\n");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o444);
    assert_eq!(bench.get().await.unwrap(), path);
    assert_eq!((bench.asked("compile"), bench.asked("engine"), bench.kept()), (1, 1, 1));
    // By another daemon over the same files.
    let again =
        Products::new(&Options::new(bench.dir.path().join("valor-shim")), bench.products.store.clone());
    let mut begun = false;
    let found = again.get(Kind::Wasi, &bench.artifact, Product::Compiled, || begun = true).await;
    assert_eq!((found.unwrap(), begun, bench.asked("compile")), (path, false, 1));
}

#[tokio::test]
async fn what_is_made_for_browsers_is_another_product_of_the_same_artifact() {
    let bench = Bench::new(COMPILE);
    let code = bench.get().await.unwrap();
    let get = || bench.products.get(Kind::Wasi, &bench.artifact, Product::Transpiled, || {});
    let files = get().await.unwrap();
    assert_eq!(fs::read_to_string(&files).unwrap(), "artifact for browsers\n");
    assert_eq!((get().await.unwrap(), bench.get().await.unwrap()), (files, code));
    assert_eq!((bench.asked("compile"), bench.asked("transpile"), bench.kept()), (1, 1, 2));
    // Another transpiler is another engine: both are made anew, and the former ones go.
    bench.install("engine two", COMPILE);
    get().await.unwrap();
    assert_eq!((bench.asked("transpile"), bench.kept()), (2, 1));
}

#[tokio::test]
async fn those_who_want_the_same_at_once_have_it_made_once() {
    let bench = Bench::new(COMPILE);
    let all = futures_util::future::join_all((0..8).map(|_| bench.get())).await;
    let paths: std::collections::HashSet<_> = all.into_iter().map(Result::unwrap).collect();
    assert_eq!((paths.len(), bench.asked("compile")), (1, 1));
}

#[tokio::test]
async fn whoever_waits_takes_over_from_one_who_left() {
    // The first one never ends by itself.
    let bench = Bench::new(
        "echo compile >> LOG; [ $(grep -c compile LOG) = 1 ] && exec sleep 1000; echo \"of $(cat)\"",
    );
    let (products, artifact) = (Arc::clone(&bench.products), bench.artifact.clone());
    let first =
        tokio::spawn(
            async move { products.get(Kind::Wasm, &artifact, Product::Compiled, || {}).await.map(drop) },
        );
    while bench.asked("compile") == 0 {
        tokio::task::yield_now().await;
    }
    let second = bench.get();
    tokio::pin!(second);
    assert!(futures_util::poll!(&mut second).is_pending());
    first.abort();
    second.await.unwrap();
    assert_eq!((bench.asked("compile"), bench.kept()), (2, 1));
}

#[tokio::test]
async fn only_so_many_are_made_at_the_same_time() {
    let script =
        "mkdir LOG.busy || { echo overlap >> LOG; exit 1; }; cat; rmdir LOG.busy; echo compile >> LOG";
    let bench = Bench::with(script, |options| options.parallel_compiles = 1);
    let artifacts: Vec<_> = (0..5).map(|i| put(&bench.products.store, &[i; 3])).collect();
    let get = |artifact| bench.products.get(Kind::Wasm, artifact, Product::Compiled, || {});
    for made in futures_util::future::join_all(artifacts.iter().map(get)).await {
        made.unwrap();
    }
    assert_eq!((bench.asked("compile"), bench.asked("overlap"), bench.kept()), (5, 0, 5));
}

#[tokio::test]
async fn what_is_damaged_or_missing_is_made_anew() {
    let bench = Bench::new(COMPILE);
    let path = bench.get().await.unwrap();
    let damages: [fn(&Path); 4] = [
        |path| fs::remove_file(path).unwrap(),
        |path| {
            fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
            fs::write(path, "of artifacT\n").unwrap();
        },
        |path| {
            fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
            fs::write(path, "").unwrap();
        },
        |path| {
            fs::remove_file(path).unwrap();
            std::os::unix::fs::symlink("/nowhere", path).unwrap();
        },
    ];
    for (times, damage) in (2..).zip(damages) {
        damage(&path);
        assert_eq!(bench.get().await.unwrap(), path);
        assert_eq!(fs::read_to_string(&path).unwrap(), "of artifact\n");
        assert_eq!((bench.asked("compile"), bench.kept()), (times, 1));
    }
}

#[tokio::test]
async fn another_engine_uses_nothing_of_this_one() {
    let bench = Bench::new(COMPILE);
    let before = bench.get().await.unwrap();
    bench.install("engine two", "echo compile >> LOG; echo newer");
    let after = bench.get().await.unwrap();
    assert_ne!(before, after);
    assert_eq!(fs::read_to_string(after).unwrap(), "newer\n");
    assert_eq!((bench.asked("compile"), bench.kept()), (2, 1), "what cannot be used any more is gone");
}

#[tokio::test]
async fn it_goes_with_its_artifact() {
    let bench = Bench::new(COMPILE);
    bench.get().await.unwrap();
    let Bench { dir, products, artifact } = bench;
    assert_eq!(products.store.collect().unwrap(), 0, "somebody holds it");
    drop(artifact);
    assert_eq!(products.store.collect().unwrap(), 2);
    assert_eq!(fs::read_dir(dir.path().join("state/products")).unwrap().count(), 0);
}

#[tokio::test]
async fn failures_have_names_and_leave_nothing() {
    for (compile, part) in [
        ("echo 'valor-shim-wasm: unknown import env.x' >&2; exit 1", "unknown import env.x"),
        ("echo half; kill -9 $$", "signal 9"),
        ("exit 3", "exit code 3"),
        (":", "it is empty"),
        ("exec sleep 1000", "longer than"),
    ] {
        let patience =
            if part == "longer than" { Duration::from_millis(50) } else { Duration::from_secs(60) };
        let bench = Bench::with(compile, |options| options.compile_deadline = patience);
        let error = bench.get().await.unwrap_err().to_string();
        assert!(error.contains(part), "{compile}: {error}");
        // The process of one that is late ends a moment later, and with it the file.
        assert_eq!(bench.kept(), 0, "{compile}");
    }
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    for key in ["", "two'; echo 'lines"] {
        let bench = Bench::new(COMPILE);
        bench.install(key, COMPILE);
        let error = bench.get().await.unwrap_err().to_string();
        assert!(error.contains("the key of valor-shim-wasm cannot be had"), "{error}");
        assert_eq!(bench.asked("compile"), 0);
    }
    let bench = Bench::new(COMPILE);
    fs::remove_file(bench.dir.path().join("valor-shim-wasm")).unwrap();
    let error = bench.get().await.unwrap_err().to_string();
    assert!(
        error.contains("to compile the artifact") && error.contains("install valor-shim-wasm"),
        "{error}"
    );
}
