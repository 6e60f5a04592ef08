//! What the control API needs of the rest of the daemon: a small trait, so that its tests need no processes.

use std::sync::Arc;
use std::time::Duration;

use crate::store::{ArtifactRef, Registration, Source};
use crate::supervisor::events::{EventBook, Verb};
use crate::supervisor::inspect::InspectError;
use crate::supervisor::policy::Property;
use crate::supervisor::{
    Asked, Inspection, LayerReport, LogBook, PluginDetail, PluginView, Shims, Supervisor, SupervisorError,
    Take, inspect,
};
use crate::web::Site;

/// The supervisor, and the one-shot that looks into artifacts.
pub trait Host: Clone + Send + Sync + 'static {
    /// Reads an artifact without running it.
    fn examine(
        &self,
        artifact: &ArtifactRef,
    ) -> impl Future<Output = Result<Inspection, InspectError>> + Send;

    /// See [`Supervisor::register`].
    fn register(
        &self,
        registration: Registration,
        artifact: ArtifactRef,
        inspection: Inspection,
        take: Take,
        asked: Asked,
    ) -> impl Future<Output = Result<PluginView, SupervisorError>> + Send;

    /// See [`Supervisor::unregister`].
    fn unregister(
        &self,
        name: &str,
        owner: Source,
        asked: Asked,
    ) -> impl Future<Output = Result<(), SupervisorError>> + Send;

    /// See [`Supervisor::show_failed`].
    fn show_failed(&self, name: &str, owner: Source, reason: String);

    /// See [`Supervisor::order`].
    fn order(
        &self,
        verb: Verb,
        name: &str,
        asked: Asked,
    ) -> impl Future<Output = Result<PluginView, SupervisorError>> + Send;

    /// See [`Supervisor::relocate`].
    fn relocate(
        &self,
        moves: Vec<(String, String)>,
        owner: Source,
        asked: Asked,
    ) -> impl Future<Output = Result<Vec<PluginView>, SupervisorError>> + Send;

    /// See [`Supervisor::events`].
    fn events(&self) -> EventBook;

    /// See [`Supervisor::list`].
    fn list(&self) -> Vec<PluginView>;

    /// See [`Supervisor::inspect`].
    fn inspect(&self, name: &str) -> Option<PluginDetail>;

    /// See [`Supervisor::logs`].
    fn logs(&self, name: &str) -> Option<LogBook>;

    /// See [`Supervisor::site`].
    fn site(&self) -> Arc<Site>;

    /// See [`Supervisor::host`].
    fn lends(&self) -> Vec<LayerReport>;

    /// See [`Supervisor::required`].
    fn required(&self) -> Vec<Property>;
}

/// The real one.
#[derive(Debug, Clone)]
pub struct SupervisorHost {
    /// Plugins.
    pub supervisor: Supervisor,
    /// The programs of the one-shot.
    pub shims: Shims,
    /// How long the one-shot may take.
    pub deadline: Duration,
}

impl Host for SupervisorHost {
    async fn examine(&self, artifact: &ArtifactRef) -> Result<Inspection, InspectError> {
        let file = artifact.open().map_err(|error| InspectError::Failed(error.to_string()))?;
        inspect::inspect(&self.shims, &file, self.deadline).await
    }

    async fn register(
        &self,
        registration: Registration,
        artifact: ArtifactRef,
        inspection: Inspection,
        take: Take,
        asked: Asked,
    ) -> Result<PluginView, SupervisorError> {
        self.supervisor.register(registration, artifact, inspection, take, asked).await
    }

    async fn unregister(&self, name: &str, owner: Source, asked: Asked) -> Result<(), SupervisorError> {
        self.supervisor.unregister(name, owner, asked).await
    }

    fn show_failed(&self, name: &str, owner: Source, reason: String) {
        self.supervisor.show_failed(name, owner, reason);
    }

    async fn order(&self, verb: Verb, name: &str, asked: Asked) -> Result<PluginView, SupervisorError> {
        self.supervisor.order(verb, name, asked).await
    }

    async fn relocate(
        &self,
        moves: Vec<(String, String)>,
        owner: Source,
        asked: Asked,
    ) -> Result<Vec<PluginView>, SupervisorError> {
        self.supervisor.relocate(moves, owner, asked).await
    }

    fn events(&self) -> EventBook {
        self.supervisor.events()
    }

    fn list(&self) -> Vec<PluginView> {
        self.supervisor.list()
    }

    fn inspect(&self, name: &str) -> Option<PluginDetail> {
        self.supervisor.inspect(name)
    }

    fn logs(&self, name: &str) -> Option<LogBook> {
        self.supervisor.logs(name)
    }

    fn site(&self) -> Arc<Site> {
        self.supervisor.site()
    }

    fn lends(&self) -> Vec<LayerReport> {
        self.supervisor.host()
    }

    fn required(&self) -> Vec<Property> {
        self.supervisor.required()
    }
}
