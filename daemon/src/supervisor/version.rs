//! What is started: a registration with its artifact, and how the sandbox is to be built for it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::OnceCell;
use valor_control::engine::Engine;
use valor_control::kind::Kind;
use valor_wire::control::{Engine as Program, Identity, LayerReport, Rlimits, Setup};

use super::inspect::{Inspection, inspect};
use super::publish::{self, published_as};
use super::shared::Shared;
use super::shims::started_from;
use super::start_error::StartError;
use crate::plugin::Plugin;
use crate::store::{ArtifactRef, Registration};
use crate::web::Published;

/// The kernel's limits where nothing else is said.
const NOFILE: u64 = 1024;
const FSIZE: u64 = 1 << 30;

/// One version of a plugin; a replacement is another one.
#[derive(Debug)]
pub(super) struct Version {
    pub registration: Arc<Registration>,
    pub plugin: Arc<Plugin>,
    /// Keeps the artifact in the store.
    pub artifact: Option<ArtifactRef>,
    /// Made when it is first needed: the machine's libraries may have moved since the registration.
    inspection: OnceCell<Inspection>,
    /// One of the same artifact, which is good for as long as it holds.
    before: Option<Inspection>,
    /// What browsers get of it, made with its first process.
    published: Arc<OnceLock<Arc<Published>>>,
    /// There was no `/data` of this name before.
    made_data: Arc<AtomicBool>,
    /// The sandbox of the process that was started last.
    layers: Arc<Mutex<Vec<LayerReport>>>,
}

/// What a process is started from: the artifact, whole, and the file that the shim gets.
#[derive(Debug)]
pub(super) struct Source {
    /// Kept as long as a start may need the file.
    artifact: ArtifactRef,
    file: PathBuf,
    /// What was made of it for browsers, where they do not take it as it is.
    transpiled: Option<PathBuf>,
}

/// All that a start needs.
#[derive(Debug)]
pub(super) struct Prepared {
    pub setup: Setup,
    /// Where the engine cannot be used, the kind's own one may take its place.
    pub engine_is_optional: bool,
}

impl Prepared {
    /// Takes the engine away if it is optional; whether that changes anything.
    pub(super) fn do_without(&mut self, shared: &Shared) -> bool {
        let changes = self.engine_is_optional && self.setup.engine.take().is_some();
        if changes {
            self.setup.rlimits.data = bound(shared, self.setup.memory);
        }
        changes
    }
}

/// What bounds the memory where no group does. An engine that compiles reserves far more than it uses.
fn bound(shared: &Shared, memory: u64) -> Option<u64> {
    (!shared.cgroups.holds("memory")).then_some(memory)
}

impl Version {
    pub(super) fn new(
        registration: Registration,
        artifact: Option<ArtifactRef>,
        inspection: Option<Inspection>,
    ) -> Self {
        let Registration { name, prefix, limits, grants, .. } = &registration;
        let plugin = Plugin::new(name, prefix, limits.clone(), grants.clone());
        let inspection = inspection.map_or_else(OnceCell::new, |known| OnceCell::new_with(Some(known)));
        Self {
            registration: Arc::new(registration),
            plugin,
            artifact,
            inspection,
            before: None,
            published: Arc::default(),
            made_data: Arc::default(),
            layers: Arc::default(),
        }
    }

    /// The same registration, with counters of its own, and a fresh look at the artifact if the machine has changed.
    pub(super) fn again(&self) -> Self {
        let again = Self::new(Registration::clone(&self.registration), self.artifact.clone(), None);
        let before = self.inspection.get().or(self.before.as_ref()).cloned();
        Self { before, published: Arc::clone(&self.published), ..again }
    }

    /// Whether its first start has made the plugin's `/data`.
    pub(super) fn has_made_data(&self) -> bool {
        self.made_data.load(Ordering::Relaxed)
    }

    /// The same plugin, with this noted in its registration.
    pub(super) fn marked(&self, disabled: bool) -> Self {
        let registration = Registration { disabled, ..Registration::clone(&self.registration) };
        self.noted(registration, Arc::clone(&self.plugin))
    }

    /// The same plugin, and the same processes, below another prefix.
    pub(super) fn moved(&self, prefix: &str) -> Self {
        let registration =
            Registration { prefix: prefix.to_owned(), ..Registration::clone(&self.registration) };
        self.noted(registration, self.plugin.moved(prefix))
    }

    /// What starts of the one shows in the other.
    fn noted(&self, registration: Registration, plugin: Arc<Plugin>) -> Self {
        let published = match self.published.get() {
            Some(known) if registration.prefix != self.registration.prefix => {
                Arc::new(OnceLock::from(Arc::new(known.moved(&registration.prefix))))
            }
            _ => Arc::clone(&self.published),
        };
        Self {
            registration: Arc::new(registration),
            plugin,
            artifact: self.artifact.clone(),
            inspection: self.inspection.clone(),
            before: self.before.clone(),
            published,
            layers: Arc::clone(&self.layers),
            made_data: Arc::clone(&self.made_data),
        }
    }

    pub(super) fn inspection(&self) -> Option<&Inspection> {
        self.inspection.get()
    }

    /// What browsers get of it.
    pub(super) fn published(&self) -> Option<Arc<Published>> {
        self.published.get().cloned()
    }

    /// Remembers what became of each layer, also where it was not enough.
    pub(super) fn show(&self, layers: &[LayerReport]) {
        *self.layers.lock().unwrap_or_else(PoisonError::into_inner) = layers.to_vec();
    }

    pub(super) fn layers(&self) -> Vec<LayerReport> {
        self.layers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Verifies the artifact, and has made of it what the kind is started from, and what browsers get; `begin` is called before
    /// that takes its time.
    pub(super) async fn source(
        &self,
        shared: &Shared,
        mut begin: impl FnMut(),
    ) -> Result<Source, StartError> {
        let turn = shared.turn().await?;
        let (store, registration) = (shared.store.clone(), Arc::clone(&self.registration));
        let artifact = tokio::task::spawn_blocking(move || store.verify(&registration.sha256)).await;
        let artifact = artifact.map_err(|error| StartError::verify(&error))??;
        drop(turn);
        let kind = self.registration.kind;
        let file = match started_from(kind) {
            Some(product) => shared.products.get(kind, &artifact, product, &mut begin).await,
            None => Ok(artifact.path()),
        };
        let file = file.map_err(|error| StartError::compile(&error))?;
        let transpiled = match published_as(&self.registration) {
            Some(product) => Some(shared.products.get(kind, &artifact, product, &mut begin).await),
            None => None,
        };
        let transpiled = transpiled.transpose().map_err(|error| StartError::transpile(&error))?;
        Ok(Source { artifact, file, transpiled })
    }

    /// Makes what the sandbox is built from.
    pub(super) async fn prepare(&self, shared: &Shared, source: &Source) -> Result<Prepared, StartError> {
        let (store, registration) = (shared.store.clone(), Arc::clone(&self.registration));
        let identity = identity(shared, &registration)?;
        let owner = identity.map(|id| (id.uid, id.gid));
        let disk = tokio::task::spawn_blocking(move || store.make_data_dir(&registration.name, owner));
        let (data, made) = disk.await.map_err(|error| StartError::verify(&error))??;
        self.made_data.fetch_or(made, Ordering::Relaxed);
        let look = || async {
            if let Some(before) = self.before.as_ref().filter(|before| before.holds()) {
                return Ok(before.clone());
            }
            inspect(&shared.options.shims, &source.artifact.open()?, shared.options.inspect_deadline)
                .await
                .map_err(StartError::from)
        };
        let inspection = self.inspection.get_or_try_init(look).await?;
        if let Some(problem) = &inspection.problem {
            return Err(StartError::problem(problem));
        }
        if self.published.get().is_none()
            && let Some(published) =
                publish::make(&self.registration, &source.artifact, source.transpiled.as_deref()).await?
        {
            // Two processes that start at once make the same.
            let _made = self.published.set(Arc::new(published));
        }
        let (engine, engine_is_optional) = self.engine(shared, inspection).await?;
        let Registration { name, limits, grants, .. } = &*self.registration;
        let setup = Setup {
            plugin: name.clone(),
            artifact: source.file.clone(),
            libraries: inspection.libraries.clone(),
            root: shared.store.sandbox_root(),
            data: Some(data),
            tmp_bytes: shared.options.tmp_bytes,
            read: grants.read.clone(),
            write: grants.write.clone(),
            env: grants.env.clone(),
            identity,
            rlimits: Rlimits {
                nofile: NOFILE,
                nproc: limits.pids.into(),
                fsize: FSIZE,
                data: if engine.is_none() { bound(shared, limits.memory) } else { None },
            },
            memory: limits.memory,
            engine,
        };
        Ok(Prepared { setup, engine_is_optional })
    }
}

impl Version {
    /// Deno, where the plugin asks for it, by its registration or else by its manifest; and whether it can do without.
    async fn engine(
        &self,
        shared: &Shared,
        inspection: &Inspection,
    ) -> Result<(Option<Program>, bool), StartError> {
        let declared = inspection.manifest.as_ref().and_then(|manifest| manifest.engine);
        let wanted = self.registration.engine.or(declared).unwrap_or_default();
        if self.registration.kind != Kind::Js || wanted == Engine::Quickjs {
            return Ok((None, false));
        }
        let optional = wanted == Engine::Auto;
        match shared.deno.find().await {
            Ok(program) => Ok((Some(program), optional)),
            Err(error) if optional => {
                tracing::info!(plugin = self.registration.name, %error, "QuickJS runs it");
                Ok((None, optional))
            }
            Err(error) => Err(StartError::engine(&error)),
        }
    }
}

/// As root, a uid of the plugin's own: without one it does not start.
fn identity(shared: &Shared, registration: &Registration) -> Result<Option<Identity>, StartError> {
    let Some((first, count)) = shared.uids else { return Ok(None) };
    let slot = registration.uid_slot.filter(|slot| *slot < count);
    let uid = slot.and_then(|slot| first.checked_add(slot)).filter(|uid| *uid > 0);
    uid.map(|uid| Some(Identity { uid, gid: uid })).ok_or_else(StartError::no_uid)
}
