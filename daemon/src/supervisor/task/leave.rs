//! Processes go: drained, told to end, killed when they do not.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinError;

use super::{Bring, Closing, Task};
use crate::plane::Left;
use crate::store::Registry as _;
use crate::supervisor::error::{ErrorKind, SupervisorError};
use crate::supervisor::events::{Cause, Process, Why};
use crate::supervisor::fleet::{Seat, SeatOf};
use crate::supervisor::order::Order;
use crate::supervisor::view::State;

/// A process that is gone, as it was told to.
pub(super) struct Departed {
    process: Process,
    why: Why,
}

impl Task {
    pub(super) async fn unregister(&mut self, order: Order) {
        if self.closing.is_some() {
            return order.done(Err(SupervisorError::not_found(&self.card.name)));
        }
        let (store, name) = (self.shared.store.clone(), self.card.name.clone());
        let removed = tokio::task::spawn_blocking(move || store.remove(&name)).await;
        match removed {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return order.done(Err(error.into())),
            Err(error) => return order.done(Err(SupervisorError::internal("store", &error))),
        }
        self.why = order.why();
        self.leave(self.shared.options.drain_timeout);
        self.closing = Some(Closing::Unregister(order));
    }

    /// All processes go.
    pub(super) fn leave(&mut self, drain: Duration) {
        let why = self.why.clone();
        if let Some(Bring { fleet, order, also, .. }) = self.next.take() {
            if self.current.is_none() {
                self.shared.remove(&self.card.name, self.former.take());
            }
            self.depart_seats(fleet.seats, Duration::ZERO, &why);
            let error = SupervisorError::new(ErrorKind::Busy, "state", "the plugin is being stopped", "");
            also.into_iter().chain([order]).for_each(|order| order.done(Err(error.clone())));
        }
        if let Some(mut fleet) = self.current.take() {
            let seats = std::mem::take(&mut fleet.seats);
            self.current = Some(fleet);
            // Off the route before it is drained.
            {
                let mut face = self.card.face();
                face.route = None;
                face.state = State::Draining;
            }
            self.tell(None, State::Draining.as_str(), &why);
            self.shared.publish();
            self.depart_seats(seats, drain, &why);
        }
    }

    /// Drains and stops what is ready, aborts what is being started.
    pub(super) fn depart_seats(&mut self, seats: Vec<SeatOf>, drain: Duration, why: &Why) {
        for (index, seat) in (0u16..).zip(seats) {
            let (Seat::Ready(instance) | Seat::Ending(instance)) = seat.state else { continue };
            let process = instance.process(index);
            self.tell(Some(process), State::Draining.as_str(), why);
            let shared = Arc::clone(&self.shared);
            let (name, mut why) = (self.card.name.clone(), why.clone());
            self.departing.spawn(async move {
                let left = shared.plane.drain(instance.generation, drain).await;
                if left != Left::default() {
                    tracing::warn!(plugin = %name, "{left} cut off at the end of the drain timeout");
                    why = why.and(&format!("{left} cut off after {drain:?}"));
                }
                instance.stop(shared.options.stop_grace).await;
                Departed { process, why }
            });
        }
    }

    /// One of them is gone.
    pub(super) fn departed(&mut self, gone: Result<Departed, JoinError>) {
        match gone {
            Ok(Departed { process, why }) => self.tell(Some(process), State::Stopped.as_str(), &why),
            Err(error) => tracing::error!(plugin = %self.card.name, %error, "ending a process broke"),
        }
        self.settle();
    }

    /// All processes are gone.
    pub(super) async fn close(mut self) {
        let name = self.card.name.clone();
        match self.closing.take() {
            Some(Closing::Unregister(order)) => {
                self.current = None;
                self.card.face().version = None;
                self.remove_data().await;
                self.shared.remove(&name, None);
                self.tell(None, "unregistered", &order.why());
                self.card.logs.close();
                self.collect();
                order.done(Ok(()));
            }
            Some(Closing::Shutdown(reply)) => {
                self.card.face().state = State::Stopped;
                self.tell(None, State::Stopped.as_str(), &Why::new(Cause::Shutdown, ""));
                self.card.logs.close();
                // Whoever asked may have gone away.
                let _sent = reply.send(Ok(()));
            }
            None => {}
        }
    }

    /// What it has written goes.
    pub(super) async fn remove_data(&self) {
        let (store, name) = (self.shared.store.clone(), self.card.name.clone());
        let removed = tokio::task::spawn_blocking(move || store.remove_data_dir(&name)).await;
        if let Ok(Err(error)) = removed {
            tracing::warn!(plugin = %self.card.name, %error, "its data stays behind");
        }
    }

    /// Artifacts that nobody needs any more go.
    pub(super) fn collect(&self) {
        let store = self.shared.store.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = store.collect() {
                tracing::warn!(%error, "cannot remove artifacts that nobody needs");
            }
        });
    }
}
