//! Which plugin answers a path: an immutable snapshot, swapped as a whole.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use valor_control::prefix::{self, MAX_SEGMENTS};

use crate::plugin::{Generation, Plugin};
use crate::web::{Published, Site};

/// All routes at one moment.
#[derive(Debug, Default)]
pub struct Routes {
    routes: Vec<Route>,
    by_prefix: HashMap<Arc<str>, usize>,
    /// The most segments that a prefix has.
    depth: usize,
    /// What of the plugins is published to browsers.
    pub site: Arc<Site>,
}

/// A prefix and who answers below it.
#[derive(Debug, Clone)]
pub struct Route {
    /// Names the prefix.
    pub plugin: Arc<Plugin>,
    /// Who answers.
    pub target: Target,
    /// What browsers get of it.
    pub published: Option<Arc<Published>>,
}

/// Who answers a route.
#[derive(Debug, Clone)]
pub enum Target {
    /// These processes, each request one of them.
    Ready(Arc<[Generation]>),
    /// Nobody just now.
    Down(Down),
}

/// Why nobody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Down {
    /// The first process is not ready yet.
    Starting,
    /// It crashed and will be started again.
    Backoff {
        /// When that will be, roughly.
        retry_after: Duration,
    },
    /// It crashed too often.
    Quarantined,
    /// It could not be started.
    Failed,
    /// It is being stopped.
    Draining,
    /// The operator has stopped it, for now.
    Stopped,
    /// The operator has switched it off.
    Disabled,
}

/// Two routes that cannot both be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "prefix {prefix} is taken by plugin {holder}: choose another prefix for {refused}, or replace {holder}"
)]
pub struct Conflict {
    /// The prefix.
    pub prefix: String,
    /// The plugin that has it.
    pub holder: String,
    /// The plugin that wants it.
    pub refused: String,
}

impl Routes {
    /// A snapshot of these routes, whose prefixes are normalised.
    ///
    /// # Errors
    ///
    /// When two have the same prefix.
    pub fn build(routes: Vec<Route>) -> Result<Self, Conflict> {
        let mut by_prefix = HashMap::with_capacity(routes.len());
        let mut depth = 0;
        for (index, route) in routes.iter().enumerate() {
            let prefix = &route.plugin.prefix;
            if let Some(holder) = by_prefix.insert(Arc::clone(prefix), index) {
                let holder: &Route = &routes[holder];
                return Err(Conflict {
                    prefix: prefix.to_string(),
                    holder: holder.plugin.name.to_string(),
                    refused: route.plugin.name.to_string(),
                });
            }
            depth = depth.max(if &**prefix == "/" { 0 } else { prefix.matches('/').count() });
        }
        Ok(Self { routes, by_prefix, depth: depth.min(MAX_SEGMENTS), site: Arc::default() })
    }

    /// The same, with the site that comes after that of other routes.
    #[must_use]
    pub fn after(self, former: &Self) -> Self {
        let published = self.routes.iter().filter_map(|route| route.published.clone()).collect();
        let others = self.routes.iter().filter(|route| route.published.is_none());
        let elsewhere: Vec<&str> = others.map(|route| &*route.plugin.prefix).collect();
        let site = Site::next(&former.site, published, &elsewhere);
        Self { site, ..self }
    }

    /// The route with the longest prefix that ends at a segment of `path`, and the path below it, which starts
    /// with `/`. `path` has no query.
    #[must_use]
    pub fn find<'a>(&self, path: &'a str) -> Option<(&Route, &'a str)> {
        let mut ends = [0; MAX_SEGMENTS];
        let mut found = 0;
        if path.len() > 1 {
            let slashes = path.bytes().enumerate().skip(1).filter(|&(_, b)| b == b'/').map(|(at, _)| at);
            for (slot, end) in ends[..self.depth].iter_mut().zip(slashes.chain([path.len()])) {
                *slot = end;
                found += 1;
            }
        }
        // An end of 1 is an empty first segment, not the root.
        for &end in ends[..found].iter().rev().filter(|&&end| end > 1) {
            if let Some(&index) = self.by_prefix.get(&path[..end]) {
                let rest = &path[end..];
                return Some((&self.routes[index], if rest.is_empty() { "/" } else { rest }));
            }
        }
        let &index = self.by_prefix.get("/")?;
        path.starts_with('/').then(|| (&self.routes[index], path))
    }

    /// All routes, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter()
    }
}

/// Why a prefix cannot be used, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("prefix {prefix:?} {reason}")]
pub struct PrefixError {
    prefix: String,
    reason: String,
}

/// Gives a prefix the one form in which it is kept; the rule is [`prefix::check`], the same at both ends of the control API.
///
/// # Errors
///
/// When the prefix could be matched in more than one way, or is the daemon's own.
pub fn check_prefix(prefix: &str) -> Result<String, PrefixError> {
    prefix::check(prefix).map_err(|reason| PrefixError { prefix: prefix.chars().take(64).collect(), reason })
}

#[cfg(test)]
#[path = "routes_tests.rs"]
mod tests;
