//! Entries of the plugins file that want each other's prefixes.

use std::collections::BTreeSet;

use valor_control::plugins::{Home, PluginsFile, moves};

use super::{FileOwned, Host};
use crate::store::Source;
use crate::supervisor::Asked;

/// Who was to move, before anything else was done.
#[derive(Debug, Default)]
pub(super) struct Moved {
    names: BTreeSet<String>,
    /// Why nobody has.
    error: Option<String>,
}

impl Moved {
    /// `Ok`: whether it has moved.
    pub(super) fn of(&self, name: &str) -> Result<bool, &str> {
        let named = self.names.contains(name);
        self.error.as_deref().filter(|_| named).map_or(Ok(named), Err)
    }
}

impl<H: Host> FileOwned<H> {
    /// Has prefixes change hands that no order of replacements could.
    pub(super) async fn move_first(&self, file: &PluginsFile, asked: Asked) -> Moved {
        let known = |name: &str| {
            let known = self.host.inspect(name)?.registration?;
            (known.source == Source::File).then(|| known.prefix.clone())
        };
        let known: Vec<_> = file.entries.iter().map(|listed| known(&listed.entry.name)).collect();
        let places = file.entries.iter().zip(&known).filter_map(|(listed, from)| {
            let to = listed.entry.prefix.as_deref()?;
            Some(Home { name: &listed.entry.name, from: from.as_deref(), to })
        });
        let places: Vec<_> = places.collect();
        let moves: Vec<_> =
            moves(&places).map(|place| (place.name.to_owned(), place.to.to_owned())).collect();
        if moves.is_empty() {
            return Moved::default();
        }
        let names = moves.iter().map(|(name, _)| name.clone()).collect();
        let moved = self.host.relocate(moves, Source::File, asked).await;
        Moved { names, error: moved.err().map(|error| error.to_string()) }
    }
}
