//! The last step of a start: does the process answer as its operator wants?

use std::time::Instant;

use super::Attempt;
use crate::plugin::Generation;
use crate::supervisor::channel::Broken;
use crate::supervisor::shared::Shared;
use crate::supervisor::start_error::StartError;
use crate::supervisor::version::Version;

impl Attempt {
    /// No route points at the process yet, and none will unless it passes.
    pub(super) async fn probe(
        &mut self,
        shared: &Shared,
        version: &Version,
        generation: Generation,
        deadline: Instant,
    ) -> Result<(), StartError> {
        let Some(path) = &version.registration.probe else { return Ok(()) };
        let due = deadline.min(Instant::now() + version.plugin.timeout());
        tokio::select! {
            answer = shared.plane.probe(generation, path, due) => answer.map_err(|error| StartError::probe(&error)),
            // Log lines are read meanwhile; anything else has no place here.
            message = self.channel.receive() => Err(match message {
                Ok(_) => Broken::Violation("it sent a control message while it was probed".to_owned()).into(),
                Err(broken) => StartError::from(broken).during("probe"),
            }),
        }
    }
}
