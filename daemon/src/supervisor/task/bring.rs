//! A version comes: its processes start one after the other beside those that serve, and then it takes over as a whole,
//! or not at all.

use std::sync::Arc;

use super::{Bring, Task};
use crate::store::Registration;
use crate::supervisor::error::{ErrorKind, SupervisorError};
use crate::supervisor::events::{Cause, Verb, Why};
use crate::supervisor::fleet::{Fleet, Seat};
use crate::supervisor::instance::{Instance, last_lines};
use crate::supervisor::logs::LogLevel;
use crate::supervisor::order::Order;
use crate::supervisor::version::Version;

impl Task {
    pub(super) fn bring(&mut self, version: Arc<Version>, base: Option<&Registration>, order: Order) {
        let stale = base.is_some_and(|base| {
            self.current.as_ref().is_none_or(|current| *current.version.registration != *base)
        });
        let refused = self.refusal().or_else(|| {
            let message = "the plugin was changed by somebody else meanwhile";
            let cure = "look at it with `valorctl inspect`, and try again";
            stale.then(|| SupervisorError::new(ErrorKind::Busy, "state", message, cure))
        });
        if let Some(error) = refused {
            self.release_prefix(&order, &version);
            return order.done(Err(error));
        }
        let mut fleet = self.fleet(version, &order.why());
        // The first alone: what cannot serve shows in one process.
        self.launch(&mut fleet, 0);
        self.why = order.why();
        // A change leaves it parked; a whole new registration brings it back, unless it says otherwise.
        let park = fleet.version.registration.disabled || base.is_some() && self.parked.is_some();
        self.next = Some(Bring { fleet, order, also: Vec::new(), park });
        // Before the answer, so that who asks then sees it.
        self.refresh();
        if let Some(bring) = &mut self.next {
            bring.order.accepted();
        }
    }

    /// Why nothing can be changed just now.
    pub(super) fn refusal(&self) -> Option<SupervisorError> {
        let (message, cure) = if self.closing.is_some() {
            ("the plugin is being stopped", "try again in a moment")
        } else if self.next.is_some() {
            ("another change of this plugin is under way", "try again when it is done")
        } else {
            return None;
        };
        Some(SupervisorError::new(ErrorKind::Busy, "state", message, cure))
    }

    /// The seats of a version, empty.
    pub(super) fn fleet(&mut self, version: Arc<Version>, why: &Why) -> Fleet {
        self.epochs += 1;
        Fleet::new(self.epochs, version, why)
    }

    pub(super) fn launch(&self, fleet: &mut Fleet, index: usize) {
        fleet.launch(index, &self.shared, &self.card, &self.sender);
        self.tell_seat(Some(fleet), index);
    }

    /// One more process of the next version is ready.
    pub(super) async fn advance(&mut self, mut bring: Bring, index: usize, instance: Instance) {
        tracing::info!(plugin = %self.card.name, pid = instance.pid, generation = %instance.generation, "ready");
        bring.fleet.seats[index].state = Seat::Ready(instance);
        self.tell_seat(Some(&bring.fleet), index);
        if let Some(empty) = bring.fleet.next_empty() {
            self.launch(&mut bring.fleet, empty);
            self.next = Some(bring);
            return;
        }
        let registered = self.current.as_ref().map(|current| &current.version.registration);
        if registered != Some(&bring.fleet.version.registration)
            && let Err(error) = self.save(&bring.fleet.version).await
        {
            return self.fail(bring, error).await;
        }
        let Bring { fleet, order, also, park } = bring;
        self.why = order.why();
        let old = if park {
            // It can serve, which is all that was to be found out.
            self.epochs += 1;
            let version = Arc::clone(&fleet.version);
            self.rest(version.registration.disabled, order.who);
            let served = self.current.replace(Fleet::without_seats(self.epochs, version));
            [Some(fleet), served]
        } else {
            if let Some(parked) = self.parked.take() {
                parked.give_up();
            }
            [self.current.replace(fleet), None]
        };
        {
            let mut face = self.card.face();
            face.visible = true;
            // Whoever asked is told of it, also where the state is the same as before.
            face.shown = false;
            if let Some(current) = &self.current {
                face.prefixes = vec![current.version.plugin.prefix.to_string()];
            }
        }
        // The route first: nothing new comes to the old ones.
        self.refresh();
        for old in old.into_iter().flatten() {
            self.depart_seats(old.seats, self.shared.options.drain_timeout, &order.why());
        }
        self.former = None;
        self.collect();
        let orders = also.into_iter().chain([order]);
        match &mut self.parked {
            Some(parked) => parked.wait(orders),
            None => orders.for_each(|order| order.done(Ok(()))),
        }
        self.settle();
    }

    /// The next version does not come to be; the one that serves stays.
    pub(super) async fn fail(&mut self, bring: Bring, mut error: SupervisorError) {
        let Bring { fleet, order, also, .. } = bring;
        let data = fleet.version.has_made_data();
        error.output = last_lines(&self.card.logs, fleet.since_ms);
        self.note(LogLevel::Error, &format!("cannot be started: {error}"));
        self.release_prefix(&order, &fleet.version);
        self.why = Why::new(Cause::Start, error.to_string());
        if let Some(current) = &mut self.current {
            // What was down already is down for the newest reason.
            for seat in &mut current.seats {
                if let Seat::Quarantined { reason } | Seat::Failed { reason } = &mut seat.state {
                    *reason = error.to_string();
                }
            }
        }
        self.depart_seats(fleet.seats, self.shared.options.stop_grace, &order.why());
        if self.current.is_none() {
            if data {
                self.remove_data().await;
            }
            // Whoever tries again finds nothing in the way.
            self.shared.remove(&self.card.name, self.former.take());
        }
        also.into_iter().chain([order]).for_each(|order| order.done(Err(error.clone())));
    }

    /// The prefix that was kept free for what does not come.
    pub(super) fn release_prefix(&self, order: &Order, version: &Version) {
        if matches!(order.verb, Verb::Register | Verb::Replace) {
            self.card.release_prefix(&version.plugin.prefix);
        }
    }
}
