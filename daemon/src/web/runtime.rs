//! The runtime and the developers' page, embedded.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;

use super::{Cache, File, ROOT};

/// By their paths below the root.
const EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/web.rs"));

/// By their paths on the site.
pub(super) fn files() -> &'static HashMap<String, Arc<File>> {
    static FILES: LazyLock<HashMap<String, Arc<File>>> = LazyLock::new(|| {
        let file = |&(name, bytes): &(&str, &'static [u8])| {
            let file = Arc::new(File::new(name, Bytes::from_static(bytes), Cache::No));
            let name = if name == "page/index.html" { "" } else { name };
            (format!("{ROOT}{name}"), file)
        };
        EMBEDDED.iter().map(file).collect()
    });
    &FILES
}
