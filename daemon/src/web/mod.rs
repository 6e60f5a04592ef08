//! What is published to browsers: an immutable snapshot that is part of the routes, so that both change in one step.
//!
//! ```text
//! /_valor/                 a page for developers           /_valor/valor.js, sw.js, …    the runtime, embedded
//! /_valor/manifest.json    who is published, and how       /_valor/plugins/DIGEST…       the published files
//! ```
//!
//! The contract with the runtime is `sdk/web/README.md`. Nothing is served where nothing is published.

mod file;
mod manifest;
mod published;
mod runtime;

use std::collections::HashMap;
use std::sync::Arc;

pub use file::{Cache, File};
pub use published::{MAX_FILES, Published, check};

/// Where all of it is.
pub const ROOT: &str = "/_valor/";

/// The service worker of a static site, which may not send headers: it sits at the root, and so rules over it.
const ROOT_WORKER: &str = "import \"/_valor/sw.js\";\n";

/// All that browsers are served at one moment.
#[derive(Debug, Default)]
pub struct Site {
    published: Vec<Arc<Published>>,
    /// What was replaced last, of those that are published still: a browser may be in the middle of an update.
    previous: Vec<Arc<Published>>,
    /// Prefixes below those of the published, of plugins that are not.
    elsewhere: Vec<String>,
    files: HashMap<String, Arc<File>>,
}

impl Site {
    /// The site that comes after `former`, which it may be itself. `elsewhere` are the prefixes of what is not published.
    #[must_use]
    pub fn next(former: &Arc<Self>, mut published: Vec<Arc<Published>>, elsewhere: &[&str]) -> Arc<Self> {
        published.sort_by(|a, b| a.name.cmp(&b.name));
        let is_inside = |prefix: &&&str| published.iter().any(|one| one.holds(prefix));
        let mut elsewhere: Vec<String> =
            elsewhere.iter().filter(is_inside).map(|&prefix| prefix.to_owned()).collect();
        elsewhere.sort();
        let is_same = former.published.len() == published.len()
            && former.published.iter().zip(&published).all(|(a, b)| Arc::ptr_eq(a, b));
        if is_same && former.elsewhere == elsewhere {
            return Arc::clone(former);
        }
        if published.is_empty() {
            return Arc::default();
        }
        let previous = published.iter().filter_map(|one| former.before(one)).collect();
        Arc::new(Self::of(published, previous, elsewhere))
    }

    /// What a published plugin was when it had other files.
    fn before(&self, one: &Published) -> Option<Arc<Published>> {
        let is_older = |old: &&Arc<Published>| old.name == one.name && old.digest != one.digest;
        self.published.iter().chain(&self.previous).find(is_older).cloned()
    }

    fn of(published: Vec<Arc<Published>>, previous: Vec<Arc<Published>>, elsewhere: Vec<String>) -> Self {
        let mut files: HashMap<String, Arc<File>> = runtime::files().clone();
        for one in previous.iter().chain(&published) {
            files.extend(one.files.iter().cloned());
        }
        let manifest = manifest::write(&published, &elsewhere, None);
        files.insert(
            format!("{ROOT}manifest.json"),
            Arc::new(File::new("manifest.json", manifest.into(), Cache::No)),
        );
        Self { published, previous, elsewhere, files }
    }

    /// The file at a path, which has no query.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Arc<File>> {
        self.files.get(path)
    }

    /// The same for a static host, by paths without a slash at their start, in their order.
    #[must_use]
    pub fn bundle(&self) -> Vec<(String, Arc<File>)> {
        if self.published.is_empty() {
            return Vec::new();
        }
        let mut files = runtime::files().clone();
        files.extend(self.published.iter().flat_map(|one| one.files.iter().cloned()));
        let manifest = manifest::write(&self.published, &self.elsewhere, Some("/sw.js"));
        for (path, text) in [("/_valor/manifest.json", manifest), ("/sw.js", ROOT_WORKER.to_owned())] {
            files.insert(path.to_owned(), Arc::new(File::new(path, text.into(), Cache::No)));
        }
        let place = |path: &str| {
            let path = path.trim_start_matches('/');
            if path.ends_with('/') { format!("{path}index.html") } else { path.to_owned() }
        };
        let mut files: Vec<_> = files.into_iter().map(|(path, file)| (place(&path), file)).collect();
        files.sort_by(|a, b| a.0.cmp(&b.0));
        files
    }
}

#[cfg(test)]
mod tests;
