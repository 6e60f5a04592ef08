//! What one worker knows: the routes, its links, and a source of request ids.

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, RandomState};
use std::io::Write as _;
use std::rc::Rc;
use std::sync::Arc;

use arc_swap::{ArcSwap, Cache};
use http::HeaderValue;

use super::super::internal::Internal;
use super::super::pace::Pace;
use super::super::{Kind, Problem};
use crate::link::Link;
use crate::plugin::Generation;
use crate::routes::{Down, Routes, Target};
use crate::web::Site;

/// One worker's state.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) worker: usize,
    routes: RefCell<Cache<Arc<ArcSwap<Routes>>, Arc<Routes>>>,
    /// Sorted by generation.
    links: RefCell<Vec<(Generation, Rc<Link>)>>,
    turn: Cell<usize>,
    pub(crate) pace: Pace,
    pub(crate) ids: RequestIds,
    pub(crate) internal: Internal,
}

impl Local {
    pub(crate) fn new(worker: usize, routes: Arc<ArcSwap<Routes>>) -> Rc<Self> {
        Rc::new(Self {
            worker,
            routes: RefCell::new(Cache::new(routes)),
            links: RefCell::default(),
            turn: Cell::new(0),
            pace: Pace::new(),
            ids: RequestIds::new(),
            internal: Internal::new(),
        })
    }

    pub(crate) fn add(&self, link: Rc<Link>) {
        let mut links = self.links.borrow_mut();
        let at = links.partition_point(|(generation, _)| *generation < link.generation());
        links.insert(at, (link.generation(), link));
    }

    pub(crate) fn remove(&self, generation: Generation) -> Option<Rc<Link>> {
        let mut links = self.links.borrow_mut();
        let at = links.binary_search_by_key(&generation, |(g, _)| *g).ok()?;
        Some(links.remove(at).1)
    }

    pub(crate) fn link(&self, generation: Generation) -> Option<Rc<Link>> {
        let links = self.links.borrow();
        let at = links.binary_search_by_key(&generation, |(g, _)| *g).ok()?;
        Some(Rc::clone(&links[at].1))
    }

    pub(crate) fn all(&self) -> Vec<Rc<Link>> {
        self.links.borrow().iter().map(|(_, link)| Rc::clone(link)).collect()
    }

    /// What is published to browsers.
    pub(crate) fn site(&self) -> Arc<Site> {
        Arc::clone(&self.routes.borrow_mut().load().site)
    }

    /// The link for a path, and where the path below the plugin's prefix begins.
    pub(crate) fn find(&self, path: &str) -> Result<(Rc<Link>, usize), Problem> {
        let mut cache = self.routes.borrow_mut();
        let Some((route, rest)) = cache.load().find(path) else {
            return Err(Problem::new(Kind::NotFound, "no plugin has a prefix that this path begins with"));
        };
        let generations = match &route.target {
            Target::Ready(generations) => generations,
            Target::Down(down) => return Err(explain(*down).of(&route.plugin.name)),
        };
        // For the prefix itself the rest is a slash of its own.
        let at = if route.plugin.prefix.len() == path.len() && path != "/" {
            path.len()
        } else {
            path.len() - rest.len()
        };
        let link = match &**generations {
            [one] => self.link(*one).filter(|link| link.is_open()),
            several => self.least_busy(several),
        };
        // The process has just ended, and the routes do not say so yet.
        link.map(|link| (link, at)).ok_or_else(|| {
            Problem::new(Kind::Backoff, "its process has ended just now, and another one is being started")
                .of(&route.plugin.name)
                .retry_after(1)
        })
    }

    fn least_busy(&self, generations: &[Generation]) -> Option<Rc<Link>> {
        let turn = self.turn.get().wrapping_add(1);
        self.turn.set(turn);
        let count = generations.len().max(1);
        (0..generations.len())
            .filter_map(|i| self.link(generations[(turn + i) % count]))
            .filter(|link| link.is_open())
            .min_by_key(|link| link.in_flight())
    }
}

fn explain(down: Down) -> Problem {
    match down {
        Down::Starting => Problem::new(Kind::Starting, "its first process is not ready yet").retry_after(1),
        Down::Backoff { retry_after } => {
            Problem::new(Kind::Backoff, "its process crashed, and another one is started after a pause")
                .retry_after(retry_after.as_secs().max(1))
        }
        Down::Quarantined => Problem::new(
            Kind::Quarantined,
            "it is not started again before an operator does it: see valorctl inspect",
        ),
        Down::Failed => Problem::new(Kind::StartFailed, "its start has failed: see valorctl inspect"),
        Down::Draining => {
            Problem::new(Kind::Draining, "it finishes what it has and takes nothing more").retry_after(1)
        }
        Down::Stopped => {
            Problem::new(Kind::Stopped, "an operator has drained it, and has not brought it back yet")
        }
        Down::Disabled => Problem::new(Kind::Disabled, "an operator has disabled it"),
    }
}

/// Unique ids, without a system call each.
#[derive(Debug)]
pub(crate) struct RequestIds {
    start: u64,
    count: Cell<u64>,
}

impl RequestIds {
    fn new() -> Self {
        // The standard library's own source of a random number.
        Self { start: RandomState::new().hash_one(std::process::id()), count: Cell::new(0) }
    }

    /// 32 hexadecimal digits.
    pub(crate) fn make(&self) -> HeaderValue {
        let count = self.count.get().wrapping_add(1);
        self.count.set(count);
        let mut text = Vec::with_capacity(32);
        // Writing to memory cannot fail, and digits are a valid value.
        let _written = write!(text, "{:016x}{count:016x}", self.start);
        HeaderValue::from_maybe_shared(bytes::Bytes::from(text))
            .unwrap_or_else(|_| HeaderValue::from_static("-"))
    }
}
