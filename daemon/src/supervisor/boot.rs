//! What was registered before comes back: everything at once, and no bad entry stands in the way of another.

use std::sync::Arc;

use tokio_util::task::task_tracker::TaskTrackerToken;

use super::card::Card;
use super::shared::Reserved;
use super::task::{Event, Task};
use super::version::Version;
use super::{Supervisor, Take};
use crate::routes::check_prefix;
use crate::store::{Entry, Registration, Registry as _, Source, StoreError};

impl Supervisor {
    /// Restores every registration but those that `leave` says, and returns when all are under way, not when they are
    /// ready: then, or when it shows that they will not be for now, each has let go of `boot`. Those left are forgotten when
    /// they belong to the plugins file and are handed back.
    ///
    /// # Errors
    /// When not even the list can be read.
    pub async fn restore(
        &self,
        leave: impl Fn(&Registration) -> bool,
        boot: TaskTrackerToken,
    ) -> Result<Vec<Registration>, StoreError> {
        let store = self.shared.store.clone();
        let entries = tokio::task::spawn_blocking(move || store.load_all()).await;
        let mut entries = entries.unwrap_or_else(|error| {
            tracing::error!(%error, "reading the registrations broke");
            Ok(Vec::new())
        })?;
        // Those that have a uid keep it.
        entries.sort_by_key(
            |entry| matches!(entry, Entry::Good(registration) if registration.uid_slot.is_none()),
        );
        let mut left = Vec::new();
        for entry in entries {
            match entry {
                Entry::Good(registration) if leave(&registration) => left.push(*registration),
                Entry::Good(registration) => self.restore_one(*registration, boot.clone()).await,
                Entry::Failed { name, reason } => self.show_failed(&name, Source::Api, reason),
            }
        }
        Ok(left)
    }

    /// Shows an entry that cannot be started, with the reason; one of this name that can be stays as it is.
    pub fn show_failed(&self, name: &str, source: Source, reason: String) {
        tracing::error!(plugin = %name, "{reason}");
        let known = self.shared.card(name);
        if known.is_none_or(|known| !known.has_task() && known.source() == source) {
            self.shared.insert(Card::broken(name, source, reason, &self.shared.options));
        }
    }

    async fn restore_one(&self, mut registration: Registration, boot: TaskTrackerToken) {
        let (name, source) = (registration.name.clone(), registration.source);
        let had_slot = registration.uid_slot.is_some();
        match check_prefix(&registration.prefix) {
            Ok(prefix) => registration.prefix = prefix,
            Err(error) => return self.show_failed(&name, source, error.to_string()),
        }
        let reserved = match self.shared.reserve(&mut registration, &Take::New) {
            Ok(reserved) => reserved,
            Err(error) => return self.show_failed(&name, source, error.to_string()),
        };
        if !had_slot && registration.uid_slot.is_some() {
            let (store, copy) = (self.shared.store.clone(), registration.clone());
            // Its data will belong to this uid from now on.
            let saved = tokio::task::spawn_blocking(move || store.save(&copy)).await;
            if let Ok(Err(error)) = saved {
                tracing::warn!(plugin = %name, %error, "its uid cannot be kept");
            }
        }
        if let Reserved::New { card, events, .. } = reserved {
            Task::spawn(&self.shared, &card, events, None);
            let version = Arc::new(Version::new(registration, None, None));
            // The task was just made, and its queue is empty.
            let _sent = card.send(Event::Restore(version, boot)).await;
        }
    }
}
