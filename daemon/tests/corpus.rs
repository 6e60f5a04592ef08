//! The fuzz targets over the committed corpus, as an ordinary test.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use valord::fuzzing;

fn each(target: &str, run: fn(&[u8])) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&dir).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        run(&bytes);
        // And some of its beginnings: connections break, disks fill.
        for cut in (0..bytes.len()).step_by(bytes.len() / 32 + 1) {
            run(&bytes[..cut]);
        }
        count += 1;
    }
    assert!(count > 3, "{} has {count} inputs", dir.display());
}

#[test]
fn grants() {
    each("grants", fuzzing::grants);
}

#[test]
fn heads() {
    each("heads", fuzzing::heads);
}

#[test]
fn paths() {
    each("paths", fuzzing::paths);
}

#[test]
fn plugins() {
    each("plugins", fuzzing::plugins);
}

#[test]
fn scan() {
    each("scan", fuzzing::scan);
}

#[test]
fn state() {
    each("state", fuzzing::state);
}
