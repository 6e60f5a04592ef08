//! The files as valord streams them; what it says is checked before it is kept.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use valor_control::v1::bundle_part::Part;
use valor_control::v1::{BundleFile, BundleRequest};

use crate::connect::Daemon;
use crate::exit::{Exit, Failure};

/// The most bytes of a bundle, and the most files.
const MAX_BYTES: u64 = 1 << 30;
const MAX_FILES: usize = 10_000;

/// A file of the bundle.
#[derive(Debug)]
pub(super) struct File {
    pub(super) about: BundleFile,
    pub(super) bytes: Vec<u8>,
}

pub(super) async fn all(daemon: &mut Daemon, wait: Duration) -> Result<Vec<File>, Failure> {
    // A download has no one end; each part of it does.
    let call = daemon.client.bundle(tonic::Request::new(BundleRequest {}));
    let mut parts = daemon.deadline.answer("bundle", call).await?;
    let mut files: Vec<File> = Vec::new();
    let mut room = MAX_BYTES;
    loop {
        let part = tokio::time::timeout(wait, parts.message()).await;
        let part = part.map_err(|_| Failure::timed_out("bundle", wait))?;
        match part.map_err(|status| Failure::status("bundle", &status))?.map(|part| part.part) {
            Some(Some(Part::File(about))) => {
                files.last().map_or(Ok(()), check)?;
                if !is_plain(&about.path) || files.len() == MAX_FILES {
                    return Err(strange(&format!("a file {:?}", about.path)));
                }
                files.push(File { about, bytes: Vec::new() });
            }
            Some(Some(Part::Chunk(chunk))) => {
                let file = files.last_mut().ok_or_else(|| strange("bytes without a file"))?;
                room = room.checked_sub(chunk.len() as u64).ok_or_else(|| strange("too many bytes"))?;
                file.bytes.extend(chunk);
            }
            Some(None) => return Err(strange("an empty part")),
            None => {
                files.last().map_or(Ok(()), check)?;
                return Ok(files);
            }
        }
    }
}

/// It came whole.
fn check(file: &File) -> Result<(), Failure> {
    if file.bytes.len() as u64 == file.about.size && sha256(&file.bytes) == file.about.sha256 {
        return Ok(());
    }
    Err(strange(&format!("{} otherwise than it says", file.about.path)))
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn strange(what: &str) -> Failure {
    Failure::new(Exit::Failed, format!("bundle: valord sends {what}"))
        .cure("install valorctl and valord from one release")
}

/// A path that stays below the directory, and means the same to every host.
fn is_plain(path: &str) -> bool {
    let is_segment = |segment: &str| {
        !segment.is_empty()
            && !segment.starts_with('.')
            && segment.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(&c))
    };
    path.len() <= 512 && path.split('/').all(is_segment)
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_path_leads_out() {
        for good in ["sw.js", "_valor/plugins/0a/plugin.core.wasm", "_valor/index.html"] {
            assert!(super::is_plain(good), "{good}");
        }
        for bad in
            ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".git/config", "a b", "a\\b", "a\0", "ä"]
        {
            assert!(!super::is_plain(bad), "{bad}");
        }
    }
}
