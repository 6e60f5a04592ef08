//! What others see of one plugin: its task writes it, the table and the views read it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::error::SupervisorError;
use super::logs::LogBook;
use super::options::Options;
use super::task::Event;
use super::version::Version;
use super::view::{InstanceView, PluginDetail, PluginView, State};
use crate::routes::Route;
use crate::store::{Registration, Source, now_ms};

/// Events that wait for a task.
const EVENTS: usize = 64;

/// One entry of the table.
#[derive(Debug)]
pub(super) struct Card {
    pub name: String,
    pub logs: LogBook,
    /// `None`: an entry that cannot be started.
    events: Option<mpsc::Sender<Event>>,
    source: Source,
    face: Mutex<Face>,
}

/// What changes.
#[derive(Debug)]
pub(super) struct Face {
    /// Those that it has, and may have soon.
    pub prefixes: Vec<String>,
    pub uid_slot: Option<u32>,
    /// `None`: not visible yet, or not any more.
    pub route: Option<Route>,
    pub version: Option<Arc<Version>>,
    pub state: State,
    pub reason: String,
    pub since_ms: u64,
    pub restarts: u64,
    pub out_of_memory: u64,
    pub instances: Vec<InstanceView>,
    /// An event has told of this state.
    pub shown: bool,
    /// A plugin that is registered for the first time shows only once it answers.
    pub visible: bool,
}

impl Card {
    pub(super) fn new(registration: &Registration, options: &Options) -> (Arc<Self>, mpsc::Receiver<Event>) {
        let (events, receiver) = mpsc::channel(EVENTS);
        let face =
            Face { uid_slot: registration.uid_slot, ..Face::new(&registration.prefix, State::Starting) };
        let card = Self {
            name: registration.name.clone(),
            logs: LogBook::new(options.log_lines, options.log_bytes),
            events: Some(events),
            source: registration.source,
            face: Mutex::new(face),
        };
        (Arc::new(card), receiver)
    }

    /// An entry that cannot be started at all: its state file is damaged, its file is missing.
    pub(super) fn broken(name: &str, source: Source, reason: String, options: &Options) -> Arc<Self> {
        let face = Face { reason, visible: true, ..Face::new("", State::Failed) };
        let logs = LogBook::new(options.log_lines, options.log_bytes);
        Arc::new(Self { name: name.to_owned(), logs, events: None, source, face: Mutex::new(face) })
    }

    pub(super) fn face(&self) -> MutexGuard<'_, Face> {
        self.face.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn has_task(&self) -> bool {
        self.events.is_some()
    }

    pub(super) fn events(&self) -> Option<mpsc::Sender<Event>> {
        self.events.clone()
    }

    /// Sends to the task.
    pub(super) async fn send(&self, event: Event) -> Result<(), SupervisorError> {
        let Some(events) = &self.events else { return Err(SupervisorError::not_found(&self.name)) };
        events.send(event).await.map_err(|_| SupervisorError::not_found(&self.name))
    }

    pub(super) fn source(&self) -> Source {
        self.source
    }

    pub(super) fn uid_slot(&self) -> Option<u32> {
        self.face().uid_slot
    }

    pub(super) fn holds_prefix(&self, prefix: &str) -> bool {
        self.face().prefixes.iter().any(|held| held == prefix)
    }

    pub(super) fn hold_prefix(&self, prefix: &str) {
        self.face().prefixes.push(prefix.to_owned());
    }

    pub(super) fn release_prefix(&self, prefix: &str) {
        let mut face = self.face();
        if let Some(at) = face.prefixes.iter().rposition(|held| held == prefix) {
            face.prefixes.remove(at);
        }
    }

    pub(super) fn route(&self) -> Option<Route> {
        self.face().route.clone()
    }

    pub(super) fn is_visible(&self) -> bool {
        self.face().visible
    }

    pub(super) fn view(&self) -> PluginView {
        let face = self.face();
        let version = face.version.as_deref();
        let inspection = version.and_then(Version::inspection);
        let totals = version.map(|version| version.plugin.stats.totals()).unwrap_or_default();
        PluginView {
            name: self.name.clone(),
            version: inspection
                .and_then(|i| i.manifest.as_ref())
                .map(|m| m.version.clone())
                .unwrap_or_default(),
            prefix: version.map_or_else(String::new, |version| version.plugin.prefix.to_string()),
            state: face.state,
            reason: face.reason.clone(),
            kind: version.map(|version| version.registration.kind).unwrap_or_default(),
            sha256: version.map_or_else(String::new, |version| version.registration.sha256.clone()),
            restarts: face.restarts,
            out_of_memory: face.out_of_memory,
            since_ms: face.since_ms,
            web: version.and_then(|version| version.registration.web.as_ref()).map(|web| web.mode),
            source: self.source,
            requests: totals.requests,
            errors: totals.errors,
            in_flight: version.map_or(0, |version| version.plugin.gate.in_flight()),
            wanted: version.map_or(0, |version| version.registration.limits.instances.max(1)),
            ready: face.instances.iter().map(|one| u16::from(one.state == State::Ready)).sum(),
        }
    }

    pub(super) fn detail(&self) -> PluginDetail {
        let view = self.view();
        let face = self.face();
        let version = face.version.as_deref();
        let manifest = version.and_then(Version::inspection).and_then(|i| i.manifest.as_ref());
        PluginDetail {
            view,
            registration: version.map(|version| Arc::clone(&version.registration)),
            manifest: manifest.map(|manifest| manifest.json.clone()),
            instances: face.instances.clone(),
            sandbox: version.map(Version::layers).unwrap_or_default(),
            log: self.logs.lines(),
        }
    }
}

impl Face {
    fn new(prefix: &str, state: State) -> Self {
        Self {
            prefixes: if prefix.is_empty() { Vec::new() } else { vec![prefix.to_owned()] },
            uid_slot: None,
            route: None,
            version: None,
            state,
            reason: String::new(),
            since_ms: now_ms(),
            restarts: 0,
            out_of_memory: 0,
            instances: Vec::new(),
            shown: false,
            visible: false,
        }
    }
}
