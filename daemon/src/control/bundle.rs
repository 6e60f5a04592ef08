//! What is published, as files for a static host.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, stream};
use tonic::Status;
use valor_control::MAX_CHUNK;
use valor_control::v1::bundle_part::Part;
use valor_control::v1::{BundleFile, BundlePart, Header};

use crate::web::{File, Site};

/// Each file, then its bytes.
pub(super) type Parts = Pin<Box<dyn Stream<Item = Result<BundlePart, Status>> + Send>>;

pub(super) fn read(site: &Site) -> Parts {
    let parts = site.bundle().into_iter().flat_map(|(path, file)| {
        let head = Part::File(about(path, &file));
        std::iter::once(head).chain(chunks(file.body.clone()).map(|chunk| Part::Chunk(chunk.to_vec())))
    });
    Box::pin(stream::iter(parts.map(|part| Ok(BundlePart { part: Some(part) }))))
}

fn about(path: String, file: &Arc<File>) -> BundleFile {
    let text = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers =
        file.headers.iter().map(|(name, value)| Header { name: name.to_string(), value: text(value) });
    BundleFile { path, size: file.body.len() as u64, sha256: file.sha256.clone(), headers: headers.collect() }
}

fn chunks(mut rest: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let length = rest.len().min(MAX_CHUNK);
        (length > 0).then(|| rest.split_to(length))
    })
}
