//! The plugins that a file owns: brought when the daemon starts, and again whenever the file is read again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Mutex;
use valor_control::MAX_ARTIFACT;
use valor_control::plugins::{Entry, Listed, PluginsFile, find, folder};
use valor_control::v1::PluginSpec;

use super::moves::Moved;
use super::register::{Accepted, accept, blocking, stored};
use super::{Admission, ControlError, Host, admit, diff};
use crate::config::{ConfigError, Written, library_places, read_plugins};
use crate::plugin::Limits;
use crate::store::{ArtifactRef, Registration, Registry as _, Source, Store};
use crate::supervisor::events::{Cause, Verb, Why};
use crate::supervisor::{Asked, PluginView, Take};
use crate::sys::systemd;

/// The control API's bound does not hold for the file, only the daemon's own.
const MAX_INSTANCES: u16 = u16::MAX;

/// The file, and all that is needed to serve what is in it; clones are the same one.
#[derive(Debug, Clone)]
pub struct FileOwned<H> {
    pub(super) host: H,
    store: Store,
    settings: Arc<Settings>,
    /// One at a time changes what the file owns.
    turn: Arc<Mutex<()>>,
    /// The service manager knows that valord is ready.
    announced: Arc<AtomicBool>,
}

/// What the file means here.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The plugins file; `None`: there is none.
    pub file: Option<PathBuf>,
    /// Where its library names are looked for, too.
    pub plugin_dir: Option<PathBuf>,
    /// What a plugin gets that asks for nothing else.
    pub limits: Limits,
    /// The daemon's own configuration, of which a reload changes nothing.
    pub written: Written,
}

/// What came of a reload.
#[derive(Debug)]
pub struct Reload {
    /// The plugins file.
    pub file: Option<PathBuf>,
    /// Of each entry, and of each plugin that is gone from the file.
    pub outcomes: Vec<Outcome>,
    /// Settings of the daemon that have changed and wait for a restart.
    pub restart: Vec<String>,
}

/// What came of one plugin.
#[derive(Debug)]
pub struct Outcome {
    /// Empty: of an entry whose name cannot be read.
    pub name: String,
    /// What was done, or was to be done.
    pub action: Action,
    /// Why it was not done.
    pub error: Option<String>,
}

/// What becomes of a plugin when its file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is as it shall be.
    Keep,
    /// It is new.
    Register,
    /// It is another.
    Replace,
    /// It shall have processes again, and is the same otherwise.
    Enable,
    /// It shall have no processes, and is the same otherwise.
    Disable,
    /// The file does not name it any more.
    Unregister,
}

impl Action {
    /// In a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Register => "register",
            Self::Replace => "replace",
            Self::Enable => "enable",
            Self::Disable => "disable",
            Self::Unregister => "unregister",
        }
    }
}

impl<H: Host> FileOwned<H> {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(host: H, store: Store, settings: Settings) -> Self {
        Self { host, store, settings: Arc::new(settings), turn: Arc::default(), announced: Arc::default() }
    }

    /// From now on the service manager is told of reloads. One before is part of the start: the end of it would be taken for that of
    /// the start.
    pub fn announced(&self) {
        self.announced.store(true, Ordering::Release);
    }

    /// Reads the file; without one it is empty.
    ///
    /// # Errors
    /// When there is no list of entries.
    pub fn read(&self) -> Result<PluginsFile, ConfigError> {
        self.settings.file.as_deref().map_or_else(|| Ok(PluginsFile::default()), read_plugins)
    }

    /// At the start of the daemon: forgets what is stale, and registers what is new or has changed beside what was restored.
    pub async fn start(&self, file: PluginsFile, stale: Vec<Registration>) {
        let _turn = self.turn.lock().await;
        let store = self.store.clone();
        let forget = tokio::task::spawn_blocking(move || {
            for Registration { name, .. } in stale {
                tracing::info!(plugin = %name, "forgotten: the plugins file does not name it any more");
                if let Err(error) = store.remove(&name).and_then(|()| store.remove_data_dir(&name)) {
                    tracing::warn!(plugin = %name, %error, "it cannot be forgotten");
                }
            }
            if let Err(error) = store.collect() {
                tracing::warn!(%error, "cannot remove artifacts that nobody needs");
            }
        });
        if let Err(error) = forget.await {
            tracing::error!(%error, "forgetting stale plugins broke");
        }
        self.bring(file, Asked::AT_BOOT).await;
    }

    /// Reads the file again and changes only what differs.
    ///
    /// # Errors
    /// When the file cannot be read; then nothing is changed.
    pub async fn reload(&self, asked: Asked) -> Result<Reload, ControlError> {
        let _turn = self.turn.lock().await;
        let announced = self.announced.load(Ordering::Acquire);
        if announced {
            said(systemd::reloading());
        }
        let reload = self.read_again(asked).await;
        if announced {
            said(systemd::ready("serving"));
        }
        reload
    }

    /// What is not in the file any more goes first: another may want its prefix.
    async fn read_again(&self, asked: Asked) -> Result<Reload, ControlError> {
        let this = self.clone();
        let read = tokio::task::spawn_blocking(move || (this.read(), this.settings.written.changed())).await;
        let (file, restart) = read.map_err(|error| ControlError::Defect(error.to_string()))?;
        let events = self.host.events();
        let why = |detail| Why { cause: Cause::Reload, detail, by: asked.who.caller() };
        let file = file.inspect_err(|error| {
            tracing::error!(%error, "the plugins file cannot be read again; nothing is changed");
            events.push("", None, "failed", &why(error.to_string()));
        })?;
        let mut outcomes = self.remove(&file, asked).await;
        outcomes.extend(self.bring(file, asked).await);
        let said = summary(&outcomes);
        tracing::info!(waits_for_a_restart = restart.join(", "), "reloaded: {said}");
        events.push("", None, "reloaded", &why(said));
        Ok(Reload { file: self.settings.file.clone(), outcomes, restart })
    }

    /// Unregisters what the file does not name any more.
    async fn remove(&self, file: &PluginsFile, asked: Asked) -> Vec<Outcome> {
        let gone = |view: &PluginView| view.source == Source::File && !file.may_name(&view.name);
        let gone: Vec<_> = self.host.list().into_iter().filter(gone).map(|view| view.name).collect();
        let remove = gone.into_iter().map(|name| async move {
            let done = self.host.unregister(&name, Source::File, asked).await;
            Outcome { name, action: Action::Unregister, error: done.err().map(|error| error.to_string()) }
        });
        let outcomes = futures_util::future::join_all(remove).await;
        admit::sweep(&self.store).await;
        outcomes
    }

    /// Registers what is new or has changed, all at once; a bad entry does not stop the others.
    async fn bring(&self, file: PluginsFile, asked: Asked) -> Vec<Outcome> {
        let moved = self.move_first(&file, asked).await;
        let path = self.settings.file.clone().unwrap_or_default();
        let refused = file.refused.into_iter().map(|wrong| {
            let (name, error) =
                (wrong.name.clone().unwrap_or_default(), format!("{}:{wrong}", path.display()));
            self.fail(&name, self.action(&name), error)
        });
        let refused: Vec<_> = refused.collect();
        let brought = file.entries.iter().map(|listed| self.bring_one(&path, listed, &moved, asked));
        futures_util::future::join_all(brought).await.into_iter().chain(refused).collect()
    }

    async fn bring_one(&self, file: &Path, listed: &Listed, moved: &Moved, asked: Asked) -> Outcome {
        let name = &listed.entry.name;
        let planned = self.action(name);
        let moved = match moved.of(name) {
            Ok(moved) => moved,
            Err(error) => return self.fail(name, planned, error.to_owned()),
        };
        match self.admit_one(file, listed, asked).await {
            Ok(Action::Keep) if moved => Outcome { name: name.clone(), action: Action::Replace, error: None },
            Ok(action) => Outcome { name: name.clone(), action, error: None },
            Err(ControlError::Invalid(wrong)) => {
                let said = wrong
                    .iter()
                    .map(|(field, reason)| format!("{}:{}", file.display(), listed.wrong(field, reason)));
                self.fail(name, planned, said.collect::<Vec<_>>().join("; "))
            }
            Err(error) => self.fail(name, planned, error.to_string()),
        }
    }

    /// Shows an entry that cannot be served, where there is nothing better of this name.
    fn fail(&self, name: &str, action: Action, error: String) -> Outcome {
        if valor_control::name::check(name).is_ok() {
            let reason = format!("the entry {name} of the plugins file cannot be served: {error}");
            self.host.show_failed(name, Source::File, reason);
        } else {
            tracing::error!(error, "an entry of the plugins file is left out");
        }
        Outcome { name: name.to_owned(), action, error: Some(error) }
    }

    fn action(&self, name: &str) -> Action {
        let known = self.host.inspect(name).and_then(|known| known.registration);
        if known.is_some() { Action::Replace } else { Action::Register }
    }

    async fn admit_one(&self, file: &Path, listed: &Listed, asked: Asked) -> Result<Action, ControlError> {
        let (artifact, file_name) = self.artifact(file, &listed.entry).await?;
        let (sha256, size) = (artifact.sha256().to_owned(), Some(artifact.size()));
        let spec = PluginSpec { sha256, file_name, size: size.unwrap_or_default(), ..listed.entry.spec() };
        let Accepted { admission, .. } =
            accept(spec, &self.settings.limits, MAX_INSTANCES, asked, Source::File)?;
        let known = self.host.inspect(&listed.entry.name).and_then(|known| known.registration);
        if let Some(known) = &known {
            let wanted =
                diff::wanted(&self.host, admission.clone(), artifact.sha256(), Some(&artifact)).await?;
            if diff::is_same(known, &wanted) {
                return Ok(Action::Keep);
            }
            let turned = Registration { disabled: wanted.disabled, ..Registration::clone(known) };
            if diff::is_same(&turned, &wanted) {
                // Nothing needs to be started anew for that.
                let (verb, action) = match wanted.disabled {
                    true => (Verb::Disable, Action::Disable),
                    false => (Verb::Enable, Action::Enable),
                };
                self.host.order(verb, &wanted.name, asked).await?;
                return Ok(action);
            }
        }
        admit(&self.host, &self.store, Admission { take: Take::Over, ..admission }, artifact).await?;
        Ok(if known.is_some() { Action::Replace } else { Action::Register })
    }

    /// What the entry names: by its hash, where it is here already; else the file.
    async fn artifact(&self, file: &Path, entry: &Entry) -> Result<(ArtifactRef, String), ControlError> {
        let wrong = |key: &str, reason: String| ControlError::Invalid(vec![(key.to_owned(), reason)]);
        let path = entry.path.as_deref();
        if let Some(sha256) = &entry.sha256
            && let Some(artifact) = stored(&self.store, sha256).await?
        {
            return Ok((artifact, file_name(Path::new(path.unwrap_or_default()))));
        }
        let Some(path) = path else {
            return Err(wrong(
                "sha256",
                "valord keeps no such artifact: say with `path` where it is".to_owned(),
            ));
        };
        let places = library_places(file, self.settings.plugin_dir.as_deref());
        let found = find(path, &folder(file), &places).map_err(|reason| wrong("path", reason))?;
        let (store, name) = (self.store.clone(), file_name(&found));
        let artifact = blocking(move || store.import(&found, MAX_ARTIFACT)).await?;
        match &entry.sha256 {
            Some(sha256) if sha256 != artifact.sha256() => {
                let found = artifact.sha256();
                Err(wrong("sha256", format!("the file at `path` has {found}: correct one of them")))
            }
            _ => Ok((artifact, name)),
        }
    }
}

/// A service manager that does not listen is nothing to fail for.
fn said(result: std::io::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, "cannot tell the service manager of a reload");
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// How many of each.
fn summary(outcomes: &[Outcome]) -> String {
    let count = |is: &dyn Fn(&Outcome) -> bool| outcomes.iter().filter(|one| is(one)).count();
    let done = |action| count(&|one| one.action == action && one.error.is_none());
    let counts = [
        (done(Action::Register), "registered"),
        (done(Action::Replace), "replaced"),
        (done(Action::Enable), "enabled"),
        (done(Action::Disable), "disabled"),
        (done(Action::Unregister), "unregistered"),
        (done(Action::Keep), "unchanged"),
        (count(&|one| one.error.is_some()), "failed"),
    ];
    let said: Vec<_> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if said.is_empty() { "nothing to do".to_owned() } else { said.join(", ") }
}
