//! Places on the control socket, counted by user, so that nobody can keep another out.
//!
//! Who has all the places that one can have loses the connection that has been without a call for longest; so idle
//! connections, also those that never say a word, cost others nothing, and calls under way are never cut.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Connections of one user at once.
pub(super) const PER_USER: usize = 128;
/// Connections of all members of the group together; root and the daemon's own user have theirs besides.
const MEMBERS: usize = 512;
/// Connections of those who are only told no.
const REFUSED: usize = 16;
/// Uploads of one user at once; more wait for their turn.
const UPLOADS: usize = 8;

/// On whose account a connection goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    /// Root, or the daemon's own user.
    Trusted(u32),
    /// A member of the group.
    Member(u32),
    /// Whoever is refused.
    Refused,
}

/// All places.
#[derive(Debug, Clone, Default)]
pub(super) struct Places(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    seats: HashMap<u64, Seat>,
    /// Counts arrivals and ends of calls: what is lower is idle for longer.
    clock: u64,
    uploads: HashMap<u32, Arc<Semaphore>>,
}

#[derive(Debug)]
struct Seat {
    account: Account,
    calls: usize,
    idle_since: u64,
    leave: CancellationToken,
}

/// A connection's place; free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    line: Line,
    /// Cancelled when another needs the place more.
    pub(super) leave: CancellationToken,
}

/// Where the calls of one connection are counted.
#[derive(Debug, Clone)]
pub(super) struct Line {
    places: Places,
    seat: u64,
}

/// A call under way.
#[derive(Debug)]
pub(super) struct Call(Line);

impl Places {
    /// `None`: all are taken, with calls under way on each.
    pub(super) fn take(&self, account: Account) -> Option<Place> {
        let mut state = self.state();
        let own = |other: Account| other == account;
        let member = |other: Account| matches!(other, Account::Member(_));
        let free = match account {
            Account::Trusted(_) => state.make_room(PER_USER, own),
            Account::Member(_) => state.make_room(PER_USER, own) && state.make_room(MEMBERS, member),
            Account::Refused => state.make_room(REFUSED, own),
        };
        if !free {
            return None;
        }
        state.clock += 1;
        let (seat, leave) = (state.clock, CancellationToken::new());
        state.seats.insert(seat, Seat { account, calls: 0, idle_since: seat, leave: leave.clone() });
        Some(Place { line: Line { places: self.clone(), seat }, leave })
    }

    /// The turns of a user's uploads.
    pub(super) fn uploads(&self, uid: u32) -> Arc<Semaphore> {
        let mut state = self.state();
        let turns = state.uploads.entry(uid).or_insert_with(|| Arc::new(Semaphore::new(UPLOADS)));
        Arc::clone(turns)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether fewer than `most` are there, if need be because one has to leave.
    fn make_room(&mut self, most: usize, counts: impl Fn(Account) -> bool) -> bool {
        let there = || self.seats.iter().filter(|(_, seat)| counts(seat.account));
        if there().count() < most {
            return true;
        }
        let idle = there().filter(|(_, seat)| seat.calls == 0).min_by_key(|(_, seat)| seat.idle_since);
        let Some(id) = idle.map(|(id, _)| *id) else { return false };
        if let Some(seat) = self.seats.remove(&id) {
            seat.leave.cancel();
        }
        true
    }
}

impl Place {
    /// For whoever serves the connection.
    pub(super) fn line(&self) -> Line {
        self.line.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.line.places.state().seats.remove(&self.line.seat);
    }
}

impl Line {
    /// Counts a call until it is dropped.
    pub(super) fn call(&self) -> Call {
        if let Some(seat) = self.places.state().seats.get_mut(&self.seat) {
            seat.calls += 1;
        }
        Call(self.clone())
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut state = self.0.places.state();
        state.clock += 1;
        let now = state.clock;
        if let Some(seat) = state.seats.get_mut(&self.0.seat) {
            seat.calls -= 1;
            seat.idle_since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(places: &Places, account: Account, count: usize) -> Vec<Place> {
        (0..count).map(|_| places.take(account).unwrap()).collect()
    }

    fn left(places: &[Place]) -> Vec<usize> {
        let gone = |(at, place): (usize, &Place)| place.leave.is_cancelled().then_some(at);
        places.iter().enumerate().filter_map(gone).collect()
    }

    #[test]
    fn the_longest_idle_of_ones_own_makes_room() {
        let places = Places::default();
        let root = fill(&places, Account::Trusted(0), PER_USER);
        let other = fill(&places, Account::Member(7), PER_USER);
        let busy = root[0].line().call();
        drop(root[1].line().call());
        let more = fill(&places, Account::Trusted(0), 2);
        assert_eq!(left(&root), [2, 3], "0 has a call under way, 1 has just ended one");
        assert_eq!((left(&other), left(&more)), (vec![], vec![]));
        drop((busy, more));
        fill(&places, Account::Trusted(0), 2);
        assert_eq!(left(&root), [2, 3], "there was room again");
    }

    #[test]
    fn calls_are_never_cut_and_keep_nobody_else_out() {
        let places = Places::default();
        let mine = fill(&places, Account::Member(7), PER_USER);
        let calls: Vec<_> = mine.iter().map(|place| place.line().call()).collect();
        assert!(places.take(Account::Member(7)).is_none());
        let others = [Account::Trusted(0), Account::Trusted(7), Account::Member(8), Account::Refused];
        let others: Vec<_> = others.iter().map(|&account| places.take(account).unwrap()).collect();
        drop(calls);
        places.take(Account::Member(7)).unwrap();
        assert_eq!((left(&mine), left(&others)), (vec![0], vec![]));
    }

    #[test]
    fn all_members_together_leave_room_for_root_and_strangers_for_everybody() {
        let places = Places::default();
        let members: Vec<_> = (1..=4).flat_map(|uid| fill(&places, Account::Member(uid), PER_USER)).collect();
        let one_more = fill(&places, Account::Member(5), 1);
        assert_eq!(left(&members), [0]);
        let strangers = fill(&places, Account::Refused, 1000);
        assert_eq!(left(&strangers).len(), 1000 - REFUSED);
        fill(&places, Account::Trusted(0), PER_USER);
        assert_eq!((left(&members).len(), left(&one_more).len()), (1, 0));
    }

    #[test]
    fn what_is_given_back_leaves_nothing() {
        let places = Places::default();
        let place = places.take(Account::Trusted(0)).unwrap();
        let (line, call) = (place.line(), place.line().call());
        drop(place);
        drop((call, line.call()));
        assert!(places.state().seats.is_empty());
    }
}
