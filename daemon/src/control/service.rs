//! The verbs of the control API; each is thin.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};
use valor_control::v1::control_server::Control;
use valor_control::v1::{self, RegisterRequest};

use super::audit::Deed;
use super::peer::Peer;
use super::register::Patience;
use super::{
    Admitted, ControlError, FileOwned, Host, admit, bundle, convert, diff, events, logs, register, replace,
};
use crate::plugin::Limits;
use crate::store::{Source, Store};
use crate::supervisor::events::{Verb, Who};
use crate::supervisor::{Asked, ErrorKind, SupervisorError, Take};

/// Plugins that are moved at once, at most.
const MAX_PLACES: usize = 1024;

/// What `info` says of the daemon.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Of valord.
    pub version: String,
    /// The native ABI.
    pub abi: u32,
    /// When the daemon was started: milliseconds since the epoch.
    pub started_ms: u64,
    /// Where HTTP is served.
    pub listen: Vec<String>,
    /// The control socket.
    pub control: String,
    /// The state directory.
    pub state_dir: String,
    /// Data workers.
    pub workers: u32,
}

/// The control API over a [`Host`].
#[derive(Debug, Clone)]
pub struct Service<H> {
    host: H,
    store: Store,
    /// What the plugins file owns.
    owned: FileOwned<H>,
    /// What a plugin gets that asks for nothing else.
    limits: Limits,
    /// The most processes that a plugin may have.
    max_instances: u16,
    about: Arc<About>,
    patience: Patience,
    stop: CancellationToken,
}

impl<H: Host> Service<H> {
    /// The service; `limits` are the defaults of this daemon, `max_instances` the most processes of a plugin.
    #[must_use]
    pub fn new(
        host: H,
        store: Store,
        owned: FileOwned<H>,
        limits: Limits,
        max_instances: u16,
        about: About,
    ) -> Self {
        let (patience, stop) = (Patience::default(), CancellationToken::new());
        Self { host, store, owned, limits, max_instances, about: Arc::new(about), patience, stop }
    }

    #[cfg(test)]
    pub(super) fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    pub(super) fn until(self, stop: CancellationToken) -> Self {
        Self { stop, ..self }
    }

    async fn take_in(
        &self,
        request: Request<Streaming<RegisterRequest>>,
    ) -> Result<v1::RegisterResponse, ControlError> {
        let peer = peer(&request)?;
        // Before anything is begun: a caller who leaves meanwhile leaves nothing behind.
        let turn = peer.uploads().acquire_owned().await;
        let turn = turn.map_err(|error| ControlError::Defect(error.to_string()))?;
        let (this, mut messages) = (self.clone(), request.into_inner());
        let asked = asked(&peer, false);
        let deed = Deed::new("register", "-", peer);
        let known = deed.clone();
        finish(deed, async move {
            let _turn = turn;
            let (patience, most) = (this.patience, this.max_instances);
            let accepted = register::spec(&mut messages, patience, &this.limits, most, asked).await?;
            let register::Accepted { admission, sha256, size } = accepted;
            let verb = if matches!(admission.take, Take::New) { "register" } else { "replace" };
            known.is(verb, admission.name.as_ref().unwrap_or(&admission.file_name));
            let artifact = register::artifact(&mut messages, patience, &this.store, &sha256, size).await?;
            let admitted = admit(&this.host, &this.store, admission, artifact).await?;
            known.is(verb, &admitted.view.name);
            Ok(convert::admitted(admitted))
        })
        .await
    }

    async fn change(
        &self,
        request: Request<Streaming<v1::ReplaceRequest>>,
    ) -> Result<v1::RegisterResponse, ControlError> {
        let peer = peer(&request)?;
        // As above.
        let turn = peer.uploads().acquire_owned().await;
        let turn = turn.map_err(|error| ControlError::Defect(error.to_string()))?;
        let (this, mut messages) = (self.clone(), request.into_inner());
        let asked = asked(&peer, false);
        let deed = Deed::new("replace", "-", peer);
        let known = deed.clone();
        finish(deed, async move {
            let _turn = turn;
            let spec = replace::spec(&mut messages, this.patience).await?;
            known.is("replace", &spec.name);
            this.replace_by(spec, messages, asked).await.map(convert::admitted)
        })
        .await
    }

    async fn replace_by(
        &self,
        spec: v1::ReplaceSpec,
        messages: Streaming<v1::ReplaceRequest>,
        asked: Asked,
    ) -> Result<Admitted, ControlError> {
        let stays = spec.sha256.is_empty();
        let base = self.host.inspect(&spec.name).and_then(|detail| detail.registration);
        let accepted = replace::accept(spec, base, self.max_instances, asked)?;
        let register::Accepted { admission, sha256, size } = accepted;
        let artifact = if stays {
            let store = self.store.clone();
            register::blocking(move || store.verify(&sha256)).await?
        } else {
            let mut chunks = replace::chunks(messages);
            register::receive(&mut chunks, self.patience, &self.store, &sha256, size).await?
        };
        admit(&self.host, &self.store, admission, artifact).await
    }

    async fn forget(&self, request: Request<v1::UnregisterRequest>) -> Result<(), ControlError> {
        let peer = peer(&request)?;
        let (this, name) = (self.clone(), request.into_inner().name);
        let asked = asked(&peer, false);
        finish(Deed::new("unregister", &name, peer), async move {
            this.host.unregister(&name, Source::Api, asked).await?;
            admit::sweep(&this.store).await;
            Ok(())
        })
        .await
    }

    async fn compare(&self, request: Request<v1::DiffRequest>) -> Result<v1::DiffResponse, ControlError> {
        let (peer, this) = (peer(&request)?, self.clone());
        let missing = || ControlError::Invalid(vec![("spec".to_owned(), "is missing".to_owned())]);
        let spec = request.into_inner().spec.ok_or_else(missing)?;
        let deed = Deed::new("diff", &spec.name, peer);
        let (limits, most) = (self.limits.clone(), self.max_instances);
        finish(deed, async move { diff::diff(&this.host, &this.store, spec, &limits, most).await }).await
    }

    async fn read_out(
        &self,
        request: Request<v1::ExportRequest>,
    ) -> Result<v1::ExportResponse, ControlError> {
        let (peer, host) = (peer(&request)?, self.host.clone());
        let name = request.into_inner().name;
        let deed = Deed::new("export", &name, peer);
        finish(deed, async move { diff::export(&host, &name) }).await
    }

    async fn read_again(
        &self,
        request: Request<v1::ReloadRequest>,
    ) -> Result<v1::ReloadResponse, ControlError> {
        let (peer, owned) = (peer(&request)?, self.owned.clone());
        let asked = Asked { who: Who::Reload(Some(peer.caller())), wait: true };
        let deed = Deed::new("reload", "-", peer);
        finish(deed, async move { owned.reload(asked).await.map(convert::reloaded) }).await
    }

    async fn relocate(&self, request: Request<v1::MoveRequest>) -> Result<Vec<v1::Plugin>, ControlError> {
        let (peer, this) = (peer(&request)?, self.clone());
        let places = request.into_inner().places;
        let names: Vec<&str> = places.iter().map(|place| place.name.as_str()).collect();
        let deed = Deed::new("move", &names.join(" "), peer.clone());
        let asked = asked(&peer, false);
        finish(deed, async move {
            if places.len() > MAX_PLACES {
                let reason = format!("has {} entries, and {MAX_PLACES} are allowed", places.len());
                return Err(ControlError::Invalid(vec![("places".to_owned(), reason)]));
            }
            let moves = places.into_iter().map(|place| (place.name, place.prefix)).collect();
            let moved = this.host.relocate(moves, Source::Api, asked).await?;
            Ok(moved.iter().map(convert::plugin).collect())
        })
        .await
    }

    /// Restart, enable, disable, drain.
    async fn order(
        &self,
        verb: Verb,
        peer: Result<Peer, ControlError>,
        name: String,
        no_wait: bool,
    ) -> Result<Option<v1::Plugin>, ControlError> {
        let (this, peer) = (self.clone(), peer?);
        let asked = asked(&peer, no_wait);
        finish(Deed::new(verb.as_str(), &name, peer), async move {
            Ok(Some(convert::plugin(&this.host.order(verb, &name, asked).await?)))
        })
        .await
    }

    fn about(&self) -> v1::InfoResponse {
        let about = &self.about;
        v1::InfoResponse {
            version: about.version.clone(),
            protocol: valor_wire::PROTOCOL_VERSION,
            abi: about.abi,
            pid: std::process::id(),
            started_ms: about.started_ms,
            listen: about.listen.clone(),
            control: about.control.clone(),
            state_dir: about.state_dir.clone(),
            workers: about.workers,
            plugins: u32::try_from(self.host.list().len()).unwrap_or(u32::MAX),
            sandbox: self.host.lends().iter().map(convert::layer).collect(),
            policy: self.host.required().iter().map(ToString::to_string).collect(),
        }
    }
}

/// Runs to its end and is written down, also when the caller goes away or the work breaks: nothing is left half done.
async fn finish<T: Send + 'static>(
    deed: Deed,
    work: impl Future<Output = Result<T, ControlError>> + Send + 'static,
) -> Result<T, ControlError> {
    let broken = |error: tokio::task::JoinError| Err(ControlError::Defect(error.to_string()));
    let audited = tokio::spawn(async move {
        let result = tokio::spawn(work).await.unwrap_or_else(broken);
        deed.record(&result);
        result
    });
    audited.await.unwrap_or_else(broken)
}

fn peer<T>(request: &Request<T>) -> Result<Peer, ControlError> {
    let unknown = || ControlError::Denied("the kernel does not say who is calling".to_owned());
    request.extensions().get::<Peer>().cloned().ok_or_else(unknown)
}

fn asked(peer: &Peer, no_wait: bool) -> Asked {
    Asked { who: Who::Operator(peer.caller()), wait: !no_wait }
}

fn missing(name: &str) -> ControlError {
    ControlError::Supervisor(SupervisorError {
        kind: ErrorKind::NotFound,
        step: "name".to_owned(),
        message: format!("there is no plugin {name:?}"),
        cure: "`valorctl list` shows those that there are".to_owned(),
        output: Vec::new(),
    })
}

#[tonic::async_trait]
impl<H: Host> Control for Service<H> {
    type LogsStream = logs::Lines;
    type EventsStream = events::Events;
    type BundleStream = bundle::Parts;

    async fn register(
        &self,
        request: Request<Streaming<RegisterRequest>>,
    ) -> Result<Response<v1::RegisterResponse>, Status> {
        Ok(Response::new(self.take_in(request).await?))
    }

    async fn replace(
        &self,
        request: Request<Streaming<v1::ReplaceRequest>>,
    ) -> Result<Response<v1::RegisterResponse>, Status> {
        Ok(Response::new(self.change(request).await?))
    }

    async fn diff(&self, request: Request<v1::DiffRequest>) -> Result<Response<v1::DiffResponse>, Status> {
        Ok(Response::new(self.compare(request).await?))
    }

    async fn export(
        &self,
        request: Request<v1::ExportRequest>,
    ) -> Result<Response<v1::ExportResponse>, Status> {
        Ok(Response::new(self.read_out(request).await?))
    }

    async fn reload(
        &self,
        request: Request<v1::ReloadRequest>,
    ) -> Result<Response<v1::ReloadResponse>, Status> {
        Ok(Response::new(self.read_again(request).await?))
    }

    async fn r#move(&self, request: Request<v1::MoveRequest>) -> Result<Response<v1::MoveResponse>, Status> {
        Ok(Response::new(v1::MoveResponse { plugins: self.relocate(request).await? }))
    }

    async fn unregister(
        &self,
        request: Request<v1::UnregisterRequest>,
    ) -> Result<Response<v1::UnregisterResponse>, Status> {
        self.forget(request).await?;
        Ok(Response::new(v1::UnregisterResponse {}))
    }

    async fn list(&self, _: Request<v1::ListRequest>) -> Result<Response<v1::ListResponse>, Status> {
        let plugins = self.host.list().iter().map(convert::plugin).collect();
        Ok(Response::new(v1::ListResponse { plugins }))
    }

    async fn inspect(
        &self,
        request: Request<v1::InspectRequest>,
    ) -> Result<Response<v1::InspectResponse>, Status> {
        let name = request.into_inner().name;
        let detail = self.host.inspect(&name).ok_or_else(|| missing(&name))?;
        Ok(Response::new(convert::detail(&detail)))
    }

    async fn restart(
        &self,
        request: Request<v1::RestartRequest>,
    ) -> Result<Response<v1::RestartResponse>, Status> {
        let (peer, v1::RestartRequest { name, no_wait }) = (peer(&request), request.into_inner());
        let plugin = self.order(Verb::Restart, peer, name, no_wait).await?;
        Ok(Response::new(v1::RestartResponse { plugin }))
    }

    async fn enable(
        &self,
        request: Request<v1::EnableRequest>,
    ) -> Result<Response<v1::EnableResponse>, Status> {
        let (peer, v1::EnableRequest { name, no_wait }) = (peer(&request), request.into_inner());
        let plugin = self.order(Verb::Enable, peer, name, no_wait).await?;
        Ok(Response::new(v1::EnableResponse { plugin }))
    }

    async fn disable(
        &self,
        request: Request<v1::DisableRequest>,
    ) -> Result<Response<v1::DisableResponse>, Status> {
        let (peer, v1::DisableRequest { name, no_wait }) = (peer(&request), request.into_inner());
        let plugin = self.order(Verb::Disable, peer, name, no_wait).await?;
        Ok(Response::new(v1::DisableResponse { plugin }))
    }

    async fn drain(&self, request: Request<v1::DrainRequest>) -> Result<Response<v1::DrainResponse>, Status> {
        let (peer, v1::DrainRequest { name, no_wait }) = (peer(&request), request.into_inner());
        let plugin = self.order(Verb::Drain, peer, name, no_wait).await?;
        Ok(Response::new(v1::DrainResponse { plugin }))
    }

    async fn events(&self, request: Request<v1::EventsRequest>) -> Result<Response<events::Events>, Status> {
        Ok(Response::new(events::read(&self.host.events(), request.into_inner(), self.stop.clone())))
    }

    async fn logs(&self, request: Request<v1::LogsRequest>) -> Result<Response<logs::Lines>, Status> {
        let request = request.into_inner();
        let book = self.host.logs(&request.name).ok_or_else(|| missing(&request.name))?;
        Ok(Response::new(logs::read(&book, &request, self.stop.clone())))
    }

    async fn routes(&self, _: Request<v1::RoutesRequest>) -> Result<Response<v1::RoutesResponse>, Status> {
        Ok(Response::new(convert::routes(&self.host.list())))
    }

    async fn bundle(&self, _: Request<v1::BundleRequest>) -> Result<Response<bundle::Parts>, Status> {
        Ok(Response::new(bundle::read(&self.host.site())))
    }

    async fn info(&self, _: Request<v1::InfoRequest>) -> Result<Response<v1::InfoResponse>, Status> {
        Ok(Response::new(self.about()))
    }
}
