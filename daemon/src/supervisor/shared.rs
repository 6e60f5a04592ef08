//! What the tasks of all plugins share: the table of names and prefixes, and the way to the data plane.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};

use super::Take;
use super::card::Card;
use super::deno::Deno;
use super::error::{ErrorKind, SupervisorError};
use super::events::EventBook;
use super::options::Options;
use super::products::Products;
use super::start_error::StartError;
use super::task::Event;
use crate::plane::{DataPlane, LinkFailure};
use crate::plugin::Generation;
use crate::routes::Routes;
use crate::store::{Registration, Source, Store};
use crate::sys::cgroup::Cgroups;

/// One for the whole daemon.
#[derive(Debug)]
pub(super) struct Shared {
    pub options: Options,
    pub store: Store,
    pub plane: DataPlane,
    pub cgroups: Cgroups,
    pub products: Products,
    pub deno: Deno,
    pub book: EventBook,
    /// Where plugins have uids of their own: the first, and how many.
    pub uids: Option<(u32, u32)>,
    /// Bounds the processes that are started at once.
    starts: Semaphore,
    /// One at a time moves plugins to other prefixes.
    pub moving: tokio::sync::Mutex<()>,
    /// The zero of the rules' clock.
    pub origin: Instant,
    closing: AtomicBool,
    generations: AtomicU64,
    table: Mutex<BTreeMap<String, Arc<Card>>>,
    links: Mutex<HashMap<Generation, mpsc::Sender<Event>>>,
}

/// A name and a prefix that nobody else can take.
#[derive(Debug)]
pub(super) enum Reserved {
    /// Nobody has the name, or only an entry that cannot be started: that one comes back if this fails.
    New { card: Arc<Card>, events: mpsc::Receiver<Event>, former: Option<Arc<Card>> },
    /// To be replaced.
    Taken(Arc<Card>),
}

impl Shared {
    pub(super) fn new(
        options: Options,
        store: Store,
        plane: DataPlane,
        cgroups: Cgroups,
        own_uids: bool,
    ) -> Self {
        Self {
            uids: own_uids.then_some(options.uids),
            starts: Semaphore::new(options.parallel_starts.max(1)),
            deno: Deno::new(&options),
            products: Products::new(&options, store.clone()),
            moving: tokio::sync::Mutex::default(),
            options,
            store,
            plane,
            cgroups,
            book: EventBook::default(),
            origin: Instant::now(),
            closing: AtomicBool::new(false),
            generations: AtomicU64::new(1),
            table: Mutex::default(),
            links: Mutex::default(),
        }
    }

    /// Waits for a place among those who start a process just now.
    pub(super) async fn turn(&self) -> Result<SemaphorePermit<'_>, StartError> {
        self.starts.acquire().await.map_err(|_| StartError::shutting_down())
    }

    pub(super) fn cards(&self) -> Vec<Arc<Card>> {
        self.table().values().cloned().collect()
    }

    pub(super) fn card(&self, name: &str) -> Option<Arc<Card>> {
        self.table().get(name).cloned()
    }

    /// Takes the name and the prefix, from the beginning, so that two cannot race for them; and a uid.
    pub(super) fn reserve(
        &self,
        registration: &mut Registration,
        take: &Take,
    ) -> Result<Reserved, SupervisorError> {
        let mut table = self.table();
        if self.is_closing() {
            return Err(SupervisorError::shutting_down());
        }
        let (name, prefix) = (registration.name.clone(), registration.prefix.clone());
        if let Some(holder) = table.values().find(|card| card.name != name && card.holds_prefix(&prefix)) {
            return Err(SupervisorError::new(
                ErrorKind::PrefixTaken,
                "prefix",
                format!("the prefix {prefix} belongs to the plugin {}", holder.name),
                "choose another with --prefix, or unregister that plugin",
            ));
        }
        let known = table.get(&name).cloned();
        if let Some(card) = &known {
            check_owner(card, registration.source, !matches!(take, Take::New))?;
        }
        if matches!(take, Take::Change(_)) && !known.as_ref().is_some_and(|card| card.has_task()) {
            return Err(SupervisorError::not_found(&name));
        }
        let kept = known.as_ref().and_then(|card| card.uid_slot()).or(registration.uid_slot);
        let of_another = |slot| table.values().any(|card| card.name != name && card.uid_slot() == Some(slot));
        registration.uid_slot = match kept {
            Some(slot) if !of_another(slot) => Some(slot),
            _ => self.free_slot(&table)?,
        };
        match known {
            Some(card) if card.has_task() => {
                card.hold_prefix(&prefix);
                Ok(Reserved::Taken(card))
            }
            former => {
                let (card, events) = Card::new(registration, &self.options);
                table.insert(name, Arc::clone(&card));
                Ok(Reserved::New { card, events, former })
            }
        }
    }

    /// The lowest place in the range of uids that no plugin has; `None` where plugins have no uids of their own.
    fn free_slot(&self, table: &BTreeMap<String, Arc<Card>>) -> Result<Option<u32>, SupervisorError> {
        let Some((_, count)) = self.uids else { return Ok(None) };
        let used: std::collections::HashSet<u32> =
            table.values().filter_map(|card| card.uid_slot()).collect();
        let free = (0..count).find(|slot| !used.contains(slot));
        free.map(Some).ok_or_else(|| {
            let message = format!("all {count} uids for plugins are in use");
            SupervisorError::new(
                ErrorKind::Internal,
                "uid",
                message,
                "give valord more of them: plugin_uids in valord.toml",
            )
        })
    }

    /// Puts an entry in that cannot be started.
    pub(super) fn insert(&self, card: Arc<Card>) {
        self.table().insert(card.name.clone(), card);
    }

    /// Takes a plugin out of the table, in favour of the entry that it was to replace.
    pub(super) fn remove(&self, name: &str, former: Option<Arc<Card>>) {
        let mut table = self.table();
        match former {
            Some(former) => drop(table.insert(name.to_owned(), former)),
            None => drop(table.remove(name)),
        }
        self.publish_locked(&table);
    }

    /// Shows the data plane the routes as they are now.
    pub(super) fn publish(&self) {
        self.publish_locked(&self.table());
    }

    /// Under the lock of the table, so that no older snapshot overtakes a newer one.
    pub(super) fn publish_locked(&self, table: &BTreeMap<String, Arc<Card>>) {
        match Routes::build(table.values().filter_map(|card| card.route()).collect()) {
            Ok(routes) => self.plane.publish(routes),
            Err(conflict) => tracing::error!(%conflict, "the routes cannot be published; please report this"),
        }
    }

    /// From now on nothing is registered.
    pub(super) fn close(&self) {
        let _table = self.table();
        self.closing.store(true, Ordering::Release);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// A number for a process, and the way of its failures to the plugin's task.
    pub(super) fn enter(self: &Arc<Self>, events: mpsc::Sender<Event>) -> Ticket {
        let generation = Generation(self.generations.fetch_add(1, Ordering::Relaxed));
        self.links().insert(generation, events);
        Ticket { shared: Arc::clone(self), generation }
    }

    /// Hands a failure to the task of the plugin whose it is; one that is busy holds up nobody else's.
    pub(super) fn forward(&self, failure: LinkFailure) {
        let Some(owner) = self.links().get(&failure.generation).cloned() else { return };
        if let Err(TrySendError::Full(event)) = owner.try_send(Event::Link(failure)) {
            // Bounded: each process fails once for each worker.
            tokio::spawn(async move { drop(owner.send(event).await) });
        }
    }

    pub(super) fn table(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Card>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn links(&self) -> MutexGuard<'_, HashMap<Generation, mpsc::Sender<Event>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn check_owner(card: &Card, asks: Source, replace: bool) -> Result<(), SupervisorError> {
    let name = &card.name;
    let owner = card.source();
    let (kind, message, cure) = match (owner, asks) {
        (Source::File, Source::Api) => (
            ErrorKind::OwnedByFile,
            format!("the plugin {name} belongs to the plugins file"),
            "change it there and `valorctl reload`",
        ),
        (Source::Api, Source::File) => (
            ErrorKind::NameTaken,
            format!("the plugin {name} of the plugins file was registered through the control API before"),
            "unregister that one, or rename the entry of the file",
        ),
        _ if replace => return Ok(()),
        _ => (
            ErrorKind::NameTaken,
            format!("there is a plugin {name} already"),
            "change it with `valorctl replace`, take its place with --replace, or choose another name with --name",
        ),
    };
    Err(SupervisorError::new(kind, "name", message, cure))
}

/// The entry of one process in the table of links.
#[derive(Debug)]
pub(super) struct Ticket {
    shared: Arc<Shared>,
    pub generation: Generation,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.shared.links().remove(&self.generation);
    }
}
