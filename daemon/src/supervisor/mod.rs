//! One task owns one plugin and its processes.
//!
//! ```text
//!   register ─▶ starting ──ready──▶ ready ──drain────────▶ draining ─▶ stopped ──restart, enable, boot──▶ starting
//!   restart       │  ▲                │  └──disable──────▶ draining ─▶ disabled ──enable────────────────▶ starting
//!   boot          │  │pause over      │  └──unregister, replaced──▶ draining ─▶ gone
//!                 │  │                │ crash, hung, violation
//!                 │  │                ▼
//!                 ├──┴─────────── backoff ──too often──▶ quarantined ──restart──▶ starting
//!                 │ crash
//!                 └──cannot start as it is──▶ failed ──restart──▶ starting
//! ```
//!
//! - `starting → ready`: the sandbox is up to policy, ABI and hash match, `on_create` has returned, a ping was answered on
//!   every link. Only then does the route point at the process. A first registration is also saved before; when anything
//!   fails nothing of it stays.
//! - `ready → backoff`: everything in flight is answered with 502 at once; meanwhile 503.
//! - `quarantined`, `failed`: the entry stays, its reason and last lines with it, until `restart`, `replace` or `unregister`.
//! - A replacement, and a restart, goes through `starting` beside the processes that serve, one process after the other, so that
//!   a bad version costs one. When all are ready the route is swapped as a whole, and the old ones are drained: capacity never
//!   drops, and old and new never answer by turns.
//! - Prefixes that change hands do so together, between two snapshots of the routes, and no process is started for it (`moves`).
//! - `stopped` and `disabled` have no processes, and stay so when they are replaced; drain and disable also end the
//!   attempts of a plugin that is down. What is disabled is written down, what is stopped is not.

mod boot;
mod card;
mod channel;
mod deno;
mod error;
pub mod events;
mod fleet;
mod handshake;
pub mod inspect;
mod instance;
pub mod logs;
mod moves;
mod one_shot;
mod options;
mod order;
mod pipes;
pub mod policy;
mod products;
mod publish;
pub mod rules;
mod shared;
mod shims;
mod start_error;
mod task;
mod tree;
mod verify;
mod version;
mod view;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

pub use error::{ErrorKind, RegisterError, SupervisorError};
pub use inspect::{Inspection, Manifest, Permissions, Problem};
pub use logs::{LogBook, LogLine, LogStream};
pub use options::Options;
pub use order::Asked;
pub use shims::Shims;
pub use view::{InstanceView, LayerReport, LayerStatus, PluginDetail, PluginView, State};

use crate::plane::{DataPlane, LinkFailure};
use crate::routes::check_prefix;
use crate::store::{ArtifactRef, Registration, Registry as _, Source, Store, check_name};
use crate::sys::cgroup::Cgroups;
use crate::sys::host;
use crate::web::Site;
use card::Card;
use events::{EventBook, Verb};
use order::{Order, Reply};
use shared::{Reserved, Shared};
use start_error::StartError;
use task::{Event, Task};
use version::Version;

/// Whose place a registration may take.
#[derive(Debug, Clone)]
pub enum Take {
    /// Nobody's.
    New,
    /// That of a plugin of its name, if there is one.
    Over,
    /// That of the plugin that is registered so: it is a change of that one.
    Change(Arc<Registration>),
}

/// The handle; clones are the same supervisor.
#[derive(Debug, Clone)]
pub struct Supervisor {
    shared: Arc<Shared>,
}

impl Supervisor {
    /// A supervisor without plugins; `failures` come from the data plane. Needs a tokio runtime.
    #[must_use]
    pub fn new(
        options: Options,
        store: Store,
        plane: DataPlane,
        failures: mpsc::Receiver<LinkFailure>,
    ) -> Self {
        let shared = Shared::new(options, store, plane, Cgroups::detect(), host::can_change_uid());
        let shared = Arc::new(shared);
        tokio::spawn(forward(Arc::clone(&shared), failures));
        Self { shared }
    }

    /// Starts a plugin, saves it and routes to it, in the place of another or not.
    ///
    /// # Errors
    /// Nothing stays of a plugin that could not be registered; one that was to be replaced keeps serving.
    pub async fn register(
        &self,
        mut registration: Registration,
        artifact: ArtifactRef,
        inspection: Inspection,
        take: Take,
        asked: Asked,
    ) -> Result<PluginView, RegisterError> {
        check_name(&registration.name).map_err(|reason| invalid("name", reason))?;
        registration.prefix =
            check_prefix(&registration.prefix).map_err(|error| invalid("prefix", &error.to_string()))?;
        if let Some(problem) = &inspection.problem {
            return Err(StartError::problem(problem).into());
        }
        let reserved = self.shared.reserve(&mut registration, &take)?;
        let version = Arc::new(Version::new(registration, Some(artifact), Some(inspection)));
        let (card, verb) = match reserved {
            Reserved::Taken(card) => (card, Verb::Replace),
            Reserved::New { card, events, former } => {
                Task::spawn(&self.shared, &card, events, former);
                (card, Verb::Register)
            }
        };
        let base = if let Take::Change(base) = take { Some(base) } else { None };
        let order = |reply| Order::new(verb, asked, reply);
        ask(&card, |reply| Event::Bring { version, base, order: order(reply) }).await?;
        Ok(card.view())
    }

    /// Stops a plugin and forgets it, its files under `/data` included, for the one who owns it.
    ///
    /// # Errors
    /// When there is no such plugin, it belongs to another, or it cannot be forgotten.
    pub async fn unregister(&self, name: &str, owner: Source, asked: Asked) -> Result<(), SupervisorError> {
        let card = self.find(name)?;
        if card.has_task() {
            shared::check_owner(&card, owner, true)?;
            return ask(&card, |reply| Event::Unregister(Order::new(Verb::Unregister, asked, reply))).await;
        }
        let (store, owned) = (self.shared.store.clone(), name.to_owned());
        let forget = move || {
            store.remove(&owned)?;
            store.remove_data_dir(&owned)?;
            store.collect()
        };
        let forgotten = tokio::task::spawn_blocking(forget).await;
        forgotten.map_err(|error| SupervisorError::internal("store", &error))??;
        self.shared.remove(name, None);
        self.shared.book.push(name, None, "unregistered", &events::Why::asked(Verb::Unregister, asked.who));
        Ok(())
    }

    /// Restart: starts a plugin anew, beside the old processes where those still serve. Enable: brings back what was disabled
    /// or drained, and does nothing to what is neither. Disable: finishes what is in flight, ends the processes, and keeps
    /// it so, also when the daemon is started again. Drain: the same until a restart, an enable or the daemon's next start.
    ///
    /// # Errors
    /// When there is no such plugin, another change of it is under way, or it does not start: then it stays as it was.
    pub async fn order(&self, verb: Verb, name: &str, asked: Asked) -> Result<PluginView, SupervisorError> {
        let event: fn(Order) -> Event = match verb {
            Verb::Restart => Event::Restart,
            Verb::Enable => Event::Enable,
            Verb::Disable | Verb::Drain => Event::Park,
            Verb::Register | Verb::Replace | Verb::Move | Verb::Unregister => {
                return Err(SupervisorError::defect(&format_args!(
                    "{} takes more than a name",
                    verb.as_str()
                )));
            }
        };
        let card = self.find(name)?;
        if !card.has_task() {
            let reason = card.face().reason.clone();
            return Err(SupervisorError::new(ErrorKind::Plugin, verb.as_str(), reason, ""));
        }
        ask(&card, |reply| event(Order::new(verb, asked, reply))).await?;
        Ok(card.view())
    }

    /// What happens to plugins.
    #[must_use]
    pub fn events(&self) -> EventBook {
        self.shared.book.clone()
    }

    /// All plugins, by name.
    #[must_use]
    pub fn list(&self) -> Vec<PluginView> {
        self.shared.cards().iter().filter(|card| card.is_visible()).map(|card| card.view()).collect()
    }

    /// Everything about one plugin.
    #[must_use]
    pub fn inspect(&self, name: &str) -> Option<PluginDetail> {
        self.shared.card(name).filter(|card| card.is_visible()).map(|card| card.detail())
    }

    /// What is published to browsers.
    #[must_use]
    pub fn site(&self) -> Arc<Site> {
        Arc::clone(&self.shared.plane.routes().site)
    }

    /// A plugin's log.
    #[must_use]
    pub fn logs(&self, name: &str) -> Option<LogBook> {
        self.shared.card(name).map(|card| card.logs.clone())
    }

    /// What this host lends to sandboxes.
    #[must_use]
    pub fn host(&self) -> Vec<LayerReport> {
        host::facts(&self.shared.cgroups)
    }

    /// The properties that every sandbox must have.
    #[must_use]
    pub fn required(&self) -> Vec<policy::Property> {
        let given_up = &self.shared.options.give_up;
        policy::Property::ALL.into_iter().filter(|property| !given_up.contains(property)).collect()
    }

    /// Ends every plugin; what is still alive at the deadline is killed.
    pub async fn shutdown(&self, deadline: Duration) {
        self.shared.close();
        let ends = self.shared.cards().into_iter().filter(|card| card.has_task()).map(|card| async move {
            // A task that has ended is what was wanted.
            let _ended = ask(&card, |reply| Event::Shutdown { grace: deadline, reply }).await;
        });
        let all = futures_util::future::join_all(ends);
        if tokio::time::timeout(deadline + self.shared.options.stop_grace, all).await.is_err() {
            tracing::warn!("not every plugin has ended in time; what is left ends with valord");
        }
    }

    fn find(&self, name: &str) -> Result<Arc<Card>, SupervisorError> {
        self.shared
            .card(name)
            .filter(|card| card.is_visible())
            .ok_or_else(|| SupervisorError::not_found(name))
    }
}

/// Sends an order to a plugin's task and waits for the answer.
async fn ask(card: &Card, order: impl FnOnce(Reply) -> Event) -> Result<(), SupervisorError> {
    let (reply, answer) = oneshot::channel();
    card.send(order(reply)).await?;
    answer.await.unwrap_or_else(|_| Err(SupervisorError::not_found(&card.name)))
}

/// Brings what the data plane notices to those whom it concerns.
async fn forward(shared: Arc<Shared>, mut failures: mpsc::Receiver<LinkFailure>) {
    while let Some(failure) = failures.recv().await {
        shared.forward(failure);
    }
}

fn invalid(step: &str, reason: &str) -> SupervisorError {
    SupervisorError::new(ErrorKind::Invalid, step, reason, "")
}
