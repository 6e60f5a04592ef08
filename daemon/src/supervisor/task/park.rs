//! Registered, and without processes: drained until somebody brings it back, or disabled until it is enabled.

use std::sync::Arc;

use tokio_util::task::task_tracker::TaskTrackerToken;

use super::Task;
use crate::store::{Registry as _, Source};
use crate::supervisor::error::{ErrorKind, SupervisorError};
use crate::supervisor::events::{Caller, Verb, Who};
use crate::supervisor::fleet::Fleet;
use crate::supervisor::order::Order;
use crate::supervisor::version::Version;
use crate::supervisor::view::State;

/// Why there are no processes, and who waits for the last one to end.
pub(super) struct Parked {
    pub(super) rest: Rest,
    by: Option<Caller>,
    waiting: Vec<Order>,
    /// All processes are gone.
    settled: bool,
}

/// For how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// Until it is restarted or enabled, or valord is started again.
    Drained,
    /// Until it is enabled.
    Disabled,
}

impl Rest {
    /// The state when all processes are gone.
    fn state(self) -> State {
        match self {
            Self::Drained => State::Stopped,
            Self::Disabled => State::Disabled,
        }
    }
}

impl Parked {
    pub(super) fn new(rest: Rest, who: Who) -> Self {
        Self { rest, by: who.caller(), waiting: Vec::new(), settled: false }
    }

    pub(super) fn state(&self) -> State {
        if self.settled { self.rest.state() } else { State::Draining }
    }

    pub(super) fn reason(&self) -> String {
        let (how, back) = match self.rest {
            Rest::Drained => ("drained", "`valorctl restart` or `enable`"),
            Rest::Disabled => ("disabled", "`valorctl enable`"),
        };
        let by = self.by.map(|by| format!(" by {by}")).unwrap_or_default();
        format!("{how}{by}: {back} brings it back")
    }

    /// These have their answer when all processes are gone.
    pub(super) fn wait(&mut self, orders: impl Iterator<Item = Order>) {
        self.waiting.extend(orders);
    }

    /// Somebody has brought the plugin back before.
    pub(super) fn give_up(self) {
        let message = "the plugin was brought back before all of its processes had ended";
        for order in self.waiting {
            let step = order.verb.as_str();
            order.done(Err(SupervisorError::new(ErrorKind::Busy, step, message, "")));
        }
    }
}

impl Task {
    /// Disables or drains; what is so already is fine.
    pub(super) async fn park(&mut self, mut order: Order) {
        let rest = if order.verb == Verb::Disable { Rest::Disabled } else { Rest::Drained };
        if let Some(error) = self.refusal() {
            return order.done(Err(error));
        }
        // Nobody can do more to a disabled plugin.
        let is_so =
            self.parked.as_ref().is_some_and(|parked| parked.rest == rest || parked.rest == Rest::Disabled);
        if !is_so {
            if rest == Rest::Disabled
                && let Err(error) = self.mark_disabled(&order).await
            {
                return order.done(Err(error));
            }
            self.why = order.why();
            let waiting = self.parked.take().map(|parked| parked.waiting).unwrap_or_default();
            self.parked = Some(Parked { waiting, ..Parked::new(rest, order.who) });
            let seats =
                self.current.as_mut().map(|fleet| std::mem::take(&mut fleet.seats)).unwrap_or_default();
            // Off the route before it is drained.
            self.refresh();
            self.depart_seats(seats, self.shared.options.drain_timeout, &order.why());
        }
        order.accepted();
        if let Some(parked) = &mut self.parked {
            parked.waiting.push(order);
        }
        self.settle();
    }

    /// A version takes over that shall have no processes: for as long as those before had none, or disabled.
    pub(super) fn rest(&mut self, disabled: bool, who: Who) {
        match &mut self.parked {
            Some(parked) if disabled => parked.rest = Rest::Disabled,
            Some(_) => {}
            None => self.parked = Some(Parked::new(Rest::Disabled, who)),
        }
    }

    /// When all processes of what is parked are gone, it shows, and those who wait have their answer.
    pub(super) fn settle(&mut self) {
        let Some(parked) = self.parked.as_mut().filter(|_| self.departing.is_empty()) else { return };
        parked.settled = true;
        let waiting = std::mem::take(&mut parked.waiting);
        self.refresh();
        waiting.into_iter().for_each(|order| order.done(Ok(())));
    }

    /// Starts what is parked; what is not is fine.
    pub(super) fn enable(&mut self, mut order: Order) {
        if self.parked.is_none() && self.closing.is_none() {
            return order.done(Ok(()));
        }
        let disabled = self.parked.as_ref().is_some_and(|parked| parked.rest == Rest::Disabled);
        if let Some(error) = self.check_file(&order).err().filter(|_| disabled) {
            return order.done(Err(error));
        }
        if let Some(bring) = self.next.as_mut().filter(|bring| bring.order.verb == Verb::Enable) {
            order.accepted();
            return bring.also.push(order);
        }
        self.again(order);
    }

    /// Starts what there is anew.
    pub(super) fn restart(&mut self, order: Order) {
        if self.parked.as_ref().is_some_and(|parked| parked.rest == Rest::Disabled) {
            let message = format!("the plugin {} is disabled", self.card.name);
            let cure = "`valorctl enable` brings it back";
            return order.done(Err(SupervisorError::new(ErrorKind::Disabled, "restart", message, cure)));
        }
        self.again(order);
    }

    fn again(&mut self, order: Order) {
        let Some(fleet) = &self.current else {
            // A first registration is under way, which shows in `bring`; or nothing is left.
            return order.done(Err(SupervisorError::not_found(&self.card.name)));
        };
        let version = fleet.version.again().marked(false);
        self.bring(Arc::new(version), None, order);
    }

    /// What was registered before the daemon was started.
    pub(super) fn restore(&mut self, version: Arc<Version>, boot: TaskTrackerToken) {
        if version.registration.disabled {
            self.epochs += 1;
            self.current = Some(Fleet::without_seats(self.epochs, version));
            self.parked = Some(Parked { settled: true, ..Parked::new(Rest::Disabled, Who::Boot) });
        } else {
            let mut fleet = self.fleet(version, &self.why.clone());
            for index in 0..fleet.seats.len() {
                self.launch(&mut fleet, index);
            }
            self.current = Some(fleet);
        }
        self.boot = Some(boot);
        self.card.face().visible = true;
    }

    /// On disk, and in what is registered.
    async fn mark_disabled(&mut self, order: &Order) -> Result<(), SupervisorError> {
        self.check_file(order)?;
        let Some(fleet) = &self.current else { return Err(SupervisorError::not_found(&self.card.name)) };
        let version = Arc::new(fleet.version.marked(true));
        self.save(&version).await?;
        if let Some(fleet) = &mut self.current {
            fleet.version = version;
        }
        Ok(())
    }

    /// What the plugins file says of its entries only the file can change.
    fn check_file(&self, order: &Order) -> Result<(), SupervisorError> {
        if self.card.source() != Source::File || !matches!(order.who, Who::Operator(_)) {
            return Ok(());
        }
        let message = format!("the plugin {} belongs to the plugins file", self.card.name);
        let cure = match order.verb {
            Verb::Disable => {
                "write `disabled = true` there and `valorctl reload`, or `valorctl drain` it for now"
            }
            _ => "take `disabled` away there and `valorctl reload`",
        };
        Err(SupervisorError::new(ErrorKind::OwnedByFile, order.verb.as_str(), message, cure))
    }

    /// Keeps a registration on disk.
    pub(super) async fn save(&self, version: &Version) -> Result<(), SupervisorError> {
        let (store, registration) = (self.shared.store.clone(), Arc::clone(&version.registration));
        match tokio::task::spawn_blocking(move || store.save(&registration)).await {
            Ok(saved) => Ok(saved?),
            Err(error) => Err(SupervisorError::internal("store", &error)),
        }
    }
}
