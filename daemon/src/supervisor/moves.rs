//! Prefixes change hands: all at once, while the processes serve on. Replacing one after the other could not do it, for the first
//! would want what the last still has.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::card::Card;
use super::error::{ErrorKind, SupervisorError};
use super::events::{Verb, Why};
use super::order::Asked;
use super::shared::{Shared, check_owner};
use super::task::Event;
use super::version::Version;
use super::{Supervisor, invalid};
use crate::routes::check_prefix;
use crate::store::{Registration, Source};
use crate::supervisor::PluginView;

/// A plugin that waits, with what it shall be, until the move is over.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) version: Arc<Version>,
    /// Sent: it is so now. Dropped: it stays as it was.
    pub(super) go: oneshot::Sender<()>,
}

impl Supervisor {
    /// Gives plugins (by name) other prefixes, also each other's: all or none, in one swap of the routes, with the processes that
    /// they have.
    ///
    /// # Errors
    /// When one of them cannot have its new prefix, or is being changed; then all stay as they were.
    pub async fn relocate(
        &self,
        moves: Vec<(String, String)>,
        owner: Source,
        asked: Asked,
    ) -> Result<Vec<PluginView>, SupervisorError> {
        let shared = Arc::clone(&self.shared);
        // Also when whoever asked goes away: what is saved must be shown.
        let moved = tokio::spawn(async move { relocate(&shared, moves, owner, asked).await });
        moved.await.map_err(|error| SupervisorError::internal("move", &error))?
    }
}

async fn relocate(
    shared: &Arc<Shared>,
    moves: Vec<(String, String)>,
    owner: Source,
    asked: Asked,
) -> Result<Vec<PluginView>, SupervisorError> {
    // Two that wait for each other's plugins would wait for ever.
    let _turn = shared.moving.lock().await;
    let moves = checked(moves)?;
    let cards = shared.reserve_all(&moves, owner)?;
    let moved = carry_out(shared, &moves, &cards, asked).await;
    if moved.is_err() {
        cards.iter().for_each(|card| card.release_prefix(&moves[&card.name]));
    }
    moved.map(|()| cards.iter().map(|card| card.view()).collect())
}

/// By name, with prefixes in their one form.
fn checked(moves: Vec<(String, String)>) -> Result<BTreeMap<String, String>, SupervisorError> {
    let mut checked = BTreeMap::new();
    for (name, prefix) in moves {
        let prefix = check_prefix(&prefix).map_err(|error| invalid("prefix", &error.to_string()))?;
        if checked.values().any(|taken| *taken == prefix) {
            return Err(invalid("prefix", &format!("{prefix} cannot be given to two plugins")));
        }
        if checked.insert(name.clone(), prefix).is_some() {
            return Err(invalid("name", &format!("{name} cannot have two prefixes")));
        }
    }
    Ok(checked)
}

async fn carry_out(
    shared: &Arc<Shared>,
    moves: &BTreeMap<String, String>,
    cards: &[Arc<Card>],
    asked: Asked,
) -> Result<(), SupervisorError> {
    let mut held = Vec::with_capacity(cards.len());
    for card in cards {
        let (reply, answer) = oneshot::channel();
        let why = Why::asked(Verb::Move, asked.who);
        card.send(Event::Move { prefix: moves[&card.name].clone(), why, reply }).await?;
        held.push(answer.await.unwrap_or_else(|_| Err(SupervisorError::not_found(&card.name)))?);
    }
    let store = shared.store.clone();
    let registrations: Vec<_> =
        held.iter().map(|one| Registration::clone(&one.version.registration)).collect();
    let saved = tokio::task::spawn_blocking(move || store.save_together(&registrations)).await;
    saved.map_err(|error| SupervisorError::internal("store", &error))??;
    shared.swap(cards.iter().zip(&held).map(|(card, held)| (&**card, &held.version)));
    for Held { go, .. } in held {
        // A task that has broken meanwhile has nothing to show.
        let _sent = go.send(());
    }
    Ok(())
}

impl Shared {
    /// Keeps the prefixes free for those who shall have them; each is nobody's, or that of one who leaves it.
    fn reserve_all(
        &self,
        moves: &BTreeMap<String, String>,
        owner: Source,
    ) -> Result<Vec<Arc<Card>>, SupervisorError> {
        let table = self.table();
        if self.is_closing() {
            return Err(SupervisorError::shutting_down());
        }
        let mut cards = Vec::with_capacity(moves.len());
        for (name, prefix) in moves {
            let card = table.get(name).filter(|card| card.has_task() && card.is_visible());
            let card = card.ok_or_else(|| SupervisorError::not_found(name))?;
            check_owner(card, owner, true)?;
            let stays = |holder: &&Arc<Card>| {
                holder.name != *name && holder.holds_prefix(prefix) && !moves.contains_key(&holder.name)
            };
            if let Some(holder) = table.values().find(stays) {
                return Err(SupervisorError::new(
                    ErrorKind::PrefixTaken,
                    "prefix",
                    format!("the prefix {prefix} belongs to the plugin {}", holder.name),
                    "choose another, or give that plugin another, too",
                ));
            }
            cards.push(Arc::clone(card));
        }
        cards.iter().for_each(|card| card.hold_prefix(&moves[&card.name]));
        Ok(cards)
    }

    /// Shows all of them in their new places, in one snapshot of the routes.
    fn swap<'a>(&self, moved: impl Iterator<Item = (&'a Card, &'a Arc<Version>)>) {
        let table = self.table();
        for (card, version) in moved {
            let mut face = card.face();
            face.prefixes = vec![version.plugin.prefix.to_string()];
            face.version = Some(Arc::clone(version));
            if let Some(route) = &mut face.route {
                route.plugin = Arc::clone(&version.plugin);
            }
        }
        self.publish_locked(&table);
    }
}
