//! The API over a real socket, with a host that only pretends to run plugins.

mod calls;
mod changes;
mod declared;
mod registrations;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use valor_control::v1::control_client::ControlClient;
use valor_control::v1::register_request::Part;
use valor_control::v1::{self, PluginSpec, RegisterRequest};

use super::register::Patience;
use super::*;
use crate::plugin::Limits;
use crate::store::{ArtifactRef, Entry, Registration, Registry as _, Source, Store};
use crate::supervisor::events::{Cause, EventBook, Verb, Why};
use crate::supervisor::inspect::InspectError;
use crate::supervisor::policy::Property;
use crate::supervisor::{
    Asked, ErrorKind, Inspection, LayerReport, LogBook, Manifest, PluginDetail, PluginView, Problem, State,
    SupervisorError, Take,
};

/// Keeps what is registered, unless it was told to fail.
#[derive(Clone)]
struct Fake {
    store: Store,
    inspection: Arc<Mutex<Inspection>>,
    plugins: Arc<Mutex<BTreeMap<String, (Registration, LogBook)>>>,
    events: EventBook,
}

fn error(kind: ErrorKind, step: &str, message: &str) -> SupervisorError {
    let output = vec!["last words".to_owned()];
    SupervisorError { kind, step: step.into(), message: message.into(), cure: "do better".into(), output }
}

fn view(registration: &Registration) -> PluginView {
    PluginView {
        name: registration.name.clone(),
        version: "0.1.0".into(),
        prefix: registration.prefix.clone(),
        state: State::Ready,
        reason: String::new(),
        kind: registration.kind,
        sha256: registration.sha256.clone(),
        restarts: 0,
        out_of_memory: 0,
        web: registration.web.as_ref().map(|web| web.mode),
        since_ms: 1,
        source: registration.source,
        requests: 3,
        errors: 1,
        in_flight: 0,
        wanted: 1,
        ready: 1,
    }
}

impl Host for Fake {
    async fn examine(&self, artifact: &ArtifactRef) -> Result<Inspection, InspectError> {
        assert!(artifact.path().is_file());
        Ok(self.inspection.lock().unwrap().clone())
    }

    async fn register(
        &self,
        registration: Registration,
        artifact: ArtifactRef,
        _: Inspection,
        take: Take,
        asked: Asked,
    ) -> Result<PluginView, SupervisorError> {
        assert!(artifact.path().is_file());
        match registration.config.as_str() {
            Some("fail") => return Err(error(ErrorKind::Plugin, "create", "on_create failed")),
            Some("break") => panic!("a defect"),
            _ => {}
        }
        assert!(
            asked
                .who
                .caller()
                .is_some_and(|by| by.uid == crate::sys::users::own_uid() && by.pid == std::process::id())
        );
        if matches!(take, Take::New) && self.plugins.lock().unwrap().contains_key(&registration.name) {
            return Err(error(ErrorKind::NameTaken, "name", "the name is taken"));
        }
        self.store.save(&registration)?;
        let view = view(&registration);
        let book = LogBook::new(10, 1 << 16);
        self.plugins.lock().unwrap().insert(registration.name.clone(), (registration, book));
        Ok(view)
    }

    async fn unregister(&self, name: &str, _: Source, _: Asked) -> Result<(), SupervisorError> {
        let known = self.plugins.lock().unwrap().remove(name);
        known.ok_or_else(|| error(ErrorKind::NotFound, "name", "no such plugin"))?;
        self.store.remove(name)?;
        Ok(self.store.remove_data_dir(name)?)
    }

    fn show_failed(&self, _: &str, _: Source, _: String) {}

    async fn order(&self, verb: Verb, name: &str, asked: Asked) -> Result<PluginView, SupervisorError> {
        let plugins = self.plugins.lock().unwrap();
        let known = plugins.get(name).ok_or_else(|| error(ErrorKind::NotFound, "name", "no such plugin"))?;
        let state = match verb {
            Verb::Disable if asked.wait => State::Disabled,
            Verb::Drain if asked.wait => State::Stopped,
            Verb::Disable | Verb::Drain => State::Draining,
            _ => State::Ready,
        };
        self.events.push(
            name,
            None,
            state.as_str(),
            &Why { cause: Cause::Operator(verb), detail: String::new(), by: asked.who.caller() },
        );
        Ok(PluginView { state, ..view(&known.0) })
    }

    async fn relocate(
        &self,
        moves: Vec<(String, String)>,
        _: Source,
        _: Asked,
    ) -> Result<Vec<PluginView>, SupervisorError> {
        let mut plugins = self.plugins.lock().unwrap();
        let missing = |(name, _): &&(String, String)| !plugins.contains_key(name);
        if let Some((name, _)) = moves.iter().find(missing) {
            return Err(SupervisorError::not_found(name));
        }
        let moved = moves.into_iter().map(|(name, prefix)| {
            let (registration, _) = plugins.get_mut(&name).unwrap();
            registration.prefix = prefix;
            view(registration)
        });
        Ok(moved.collect())
    }

    fn events(&self) -> EventBook {
        self.events.clone()
    }

    fn list(&self) -> Vec<PluginView> {
        self.plugins.lock().unwrap().values().map(|(registration, _)| view(registration)).collect()
    }

    fn inspect(&self, name: &str) -> Option<PluginDetail> {
        let plugins = self.plugins.lock().unwrap();
        let (registration, book) = plugins.get(name)?;
        Some(PluginDetail {
            view: view(registration),
            registration: Some(Arc::new(registration.clone())),
            manifest: None,
            instances: Vec::new(),
            sandbox: Vec::new(),
            log: book.lines(),
        })
    }

    fn logs(&self, name: &str) -> Option<LogBook> {
        self.plugins.lock().unwrap().get(name).map(|(_, book)| book.clone())
    }

    fn site(&self) -> Arc<crate::web::Site> {
        Arc::default()
    }

    fn lends(&self) -> Vec<LayerReport> {
        Vec::new()
    }

    fn required(&self) -> Vec<Property> {
        Property::ALL.to_vec()
    }
}

struct Daemon {
    dir: tempfile::TempDir,
    host: Fake,
    store: Store,
    stop: CancellationToken,
    server: tokio::task::JoinHandle<Result<(), ServeError>>,
    _bound: Bound,
}

impl Daemon {
    fn start() -> Self {
        Self::start_for(None, Patience::default())
    }

    /// With other rules.
    fn start_for(access: Option<Access>, patience: Patience) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("state")).unwrap();
        let mut bound = bind(&dir.path().join("control.sock"), "no-such-group-anywhere").unwrap();
        let inspection = Inspection::default();
        let host = Fake {
            store: store.clone(),
            inspection: Arc::new(Mutex::new(inspection)),
            plugins: Arc::default(),
            events: EventBook::default(),
        };
        let about = About { version: "0.1.0".into(), workers: 2, ..About::default() };
        let owned = FileOwned::new(host.clone(), store.clone(), Settings::default());
        let service = Service::new(host.clone(), store.clone(), owned, Limits::default(), 64, about);
        let service = service.with_patience(patience);
        let stop = CancellationToken::new();
        let access = access.unwrap_or_else(|| bound.access());
        let server = tokio::spawn(serve(bound.listen().unwrap(), access, service, stop.clone()));
        Self { dir, host, store, stop, server, _bound: bound }
    }

    async fn channel(&self) -> Channel {
        let path: PathBuf = self.dir.path().join("control.sock");
        let connect = tower::service_fn(move |_: http::Uri| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(TokioIo::new) }
        });
        Endpoint::from_static("http://valord").connect_with_connector(connect).await.unwrap()
    }

    async fn client(&self) -> ControlClient<Channel> {
        ControlClient::new(self.channel().await)
    }

    async fn register(&self, spec: PluginSpec, parts: Vec<Part>) -> Result<v1::RegisterResponse, Status> {
        let messages: Vec<_> = std::iter::once(Part::Spec(spec))
            .chain(parts)
            .map(|part| RegisterRequest { part: Some(part) })
            .collect();
        let reply = self.client().await.register(tokio_stream::iter(messages)).await;
        reply.map(tonic::Response::into_inner)
    }

    fn files(&self, dir: &str) -> usize {
        std::fs::read_dir(self.store.dir().join(dir)).unwrap().count()
    }
}

const BYTES: &[u8] = b"\x7fELF and so on";

fn spec() -> PluginSpec {
    use sha2::Digest as _;
    PluginSpec {
        file_name: "libhello.so".into(),
        sha256: sha2::Sha256::digest(BYTES).iter().map(|b| format!("{b:02x}")).collect(),
        size: BYTES.len() as u64,
        ..PluginSpec::default()
    }
}

fn chunks() -> Vec<Part> {
    BYTES.chunks(4).map(|chunk| Part::Chunk(chunk.to_vec())).collect()
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

fn noted(status: &Status, key: &str) -> String {
    status.get_details_error_info().and_then(|mut info| info.metadata.remove(key)).unwrap_or_default()
}
