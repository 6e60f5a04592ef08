//! What stands below a directory, to be compared with what stands there later.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use sha2::Digest as _;

use crate::harness::PATIENCE;

/// Paths, each with its type and mode, and the hash of a file's content.
pub(crate) type Listing = BTreeMap<String, String>;

pub(crate) fn listing(dir: &Path) -> Listing {
    let mut found = Listing::new();
    add(dir, dir, &mut found);
    found
}

fn add(base: &Path, dir: &Path, found: &mut Listing) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        // A temporary file may be gone before it is looked at.
        let Ok(metadata) = std::fs::symlink_metadata(&path) else { continue };
        let content = match metadata.is_file() {
            true => format!("{:x?}", sha2::Sha256::digest(std::fs::read(&path).unwrap_or_default())),
            false => String::new(),
        };
        let name = path.strip_prefix(base).unwrap().to_string_lossy().into_owned();
        found.insert(name, format!("{:o} {content}", metadata.mode()));
        if metadata.is_dir() {
            add(base, &path, found);
        }
    }
}

/// Waits until everything is as it was: what is removed may be removed a moment after the answer.
pub(crate) async fn until_as_before(dir: &Path, before: &Listing) {
    let waiting = async {
        while listing(dir) != *before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
        assert_eq!(listing(dir), *before, "something stays in {}", dir.display());
    }
}
