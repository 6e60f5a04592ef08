//! The fuzz targets over the committed corpus, as an ordinary test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::path::Path;

fn each(target: &str, run: fn(&[u8])) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        run(&bytes);
        // Every cut of it too: peers die in the middle.
        for cut in 0..bytes.len().min(256) {
            run(&bytes[..cut]);
        }
        count += 1;
    }
    assert!(count > 3, "{} has {count} inputs", dir.display());
}

#[test]
fn connection() {
    each("connection", valor_wire::fuzzing::connection);
}

#[test]
fn control() {
    each("control", valor_wire::fuzzing::control);
}

#[test]
fn pair() {
    each("pair", valor_wire::fuzzing::pair);
}
