//! The fuzz targets over the committed corpus, as an ordinary test.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use valor_shim_core::inspect::fuzzing;

fn each(target: &str, run: fn(&[u8])) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&dir).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        run(&bytes);
        // Every cut of what is short, some of what is long: files arrive incomplete.
        for cut in (0..bytes.len()).step_by(bytes.len() / 64 + 1) {
            run(&bytes[..cut]);
        }
        count += 1;
    }
    assert!(count > 3, "{} has {count} inputs", dir.display());
}

#[test]
fn elf() {
    each("elf", fuzzing::elf);
}

#[test]
fn manifest() {
    each("manifest", fuzzing::manifest);
}
