//! Plugins of a file that want each other's prefixes: they move first, and together.

use valor_control::plugins;
use valor_control::v1::{self, MoveRequest, MoveResponse, Plugin};

use super::plan::{Action, Step};
use crate::connect::Daemon;
use crate::exit::Failure;

/// What came of it.
#[derive(Debug)]
pub(super) struct Moved {
    names: Vec<String>,
    result: Result<Vec<Plugin>, Failure>,
}

impl Moved {
    /// A plugin in its new place; `None`: it was not to move.
    pub(super) fn of(&self, name: &str) -> Result<Option<Plugin>, Failure> {
        if !self.names.iter().any(|moving| moving == name) {
            return Ok(None);
        }
        let plugins = self.result.as_ref().map_err(Clone::clone)?;
        Ok(plugins.iter().find(|plugin| plugin.name == name).cloned())
    }
}

/// Which plugins have to.
pub(super) fn of(steps: &[Step]) -> Vec<v1::Place> {
    let stays = |step: &&Step| step.action != Action::Unregister && step.source != "file";
    let places: Vec<_> = steps.iter().filter(stays).filter_map(Step::place).collect();
    let moves = plugins::moves(&places);
    moves.map(|place| v1::Place { name: place.name.to_owned(), prefix: place.to.to_owned() }).collect()
}

/// Moves them.
pub(super) async fn carry_out(daemon: &mut Daemon, places: &[v1::Place]) -> Moved {
    let names = places.iter().map(|place| place.name.clone()).collect();
    if places.is_empty() {
        return Moved { names, result: Ok(Vec::new()) };
    }
    let request = daemon.deadline.request(MoveRequest { places: places.to_vec() });
    let result = daemon.deadline.answer("move", daemon.client.r#move(request)).await;
    Moved { names, result: result.map(|MoveResponse { plugins }| plugins) }
}
