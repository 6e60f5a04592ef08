//! One file as it is served: its bytes, also compressed, and what is said of them.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderName, HeaderValue, header};
use sha2::{Digest as _, Sha256};

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const EMBEDDER_POLICY: HeaderName = HeaderName::from_static("cross-origin-embedder-policy");
const SERVICE_WORKER_ALLOWED: HeaderName = HeaderName::from_static("service-worker-allowed");

const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; style-src 'self'; \
                           img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";
const WORKER_POLICY: &str = "script-src 'self' 'wasm-unsafe-eval'; object-src 'none'";

/// How long a browser may keep a file without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// It asks each time whether there is another.
    No,
    /// For ever: its name says its content.
    Immutable,
}

/// A file and its headers, made once.
#[derive(Debug)]
pub struct File {
    /// As it is.
    pub body: Bytes,
    /// Compressed, where that is shorter.
    pub gzip: Option<Bytes>,
    /// Of its bytes, in hexadecimal.
    pub sha256: String,
    /// Content-Type, Cache-Control and the policies.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl File {
    /// `name` decides what it is, and what it may do.
    #[must_use]
    pub fn new(name: &str, body: Bytes, cache: Cache) -> Self {
        let cache = match cache {
            Cache::No => "no-cache",
            Cache::Immutable => "public, max-age=31536000, immutable",
        };
        let mut headers = vec![
            (header::CONTENT_TYPE, HeaderValue::from_static(mime(name))),
            (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
        ];
        match name {
            "sw.js" => headers.push((SERVICE_WORKER_ALLOWED, HeaderValue::from_static("/"))),
            // Also below pages that are cross-origin isolated.
            "worker.js" => headers.extend([
                (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(WORKER_POLICY)),
                (EMBEDDER_POLICY, HeaderValue::from_static("require-corp")),
            ]),
            name if name.ends_with(".html") => {
                headers.push((header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY)));
            }
            _ => {}
        }
        let gzip = compress(&body);
        let sha256 = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { body, gzip, sha256, headers }
    }

    /// The entity tag of its bytes, or of the compressed ones.
    #[must_use]
    pub fn etag(&self, gzip: bool) -> String {
        let end = if gzip { "-gzip" } else { "" };
        format!("\"{}{end}\"", &self.sha256[..32])
    }
}

fn mime(name: &str) -> &'static str {
    match name.rsplit(['.', '/']).next().unwrap_or_default() {
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "LICENSE" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

fn compress(body: &Bytes) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory cannot fail.
    encoder.write_all(body).ok()?;
    encoder.finish().ok().filter(|gzip| gzip.len() < body.len()).map(Bytes::from)
}
