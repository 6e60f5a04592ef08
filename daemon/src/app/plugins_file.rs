//! The plugins that a file owns, at the start of the daemon.

use std::path::Path;

use crate::config::{ConfigError, PluginEntry, PluginsFile};
use crate::control::{Admission, MAX_ARTIFACT, SupervisorHost, admit};
use crate::plugin::Limits;
use crate::store::{Registration, Registry as _, Source, Store};
use crate::supervisor::{Asked, SupervisorError, Take};

/// The entries of the file.
#[derive(Debug, Default)]
pub(super) struct PluginsAtBoot {
    entries: Vec<PluginEntry>,
}

impl PluginsAtBoot {
    /// Reads the file; a bad entry does not stop the others.
    ///
    /// # Errors
    /// When there is no list of entries.
    pub(super) fn read(file: &Path, limits: &Limits, plugin_dir: Option<&Path>) -> Result<Self, ConfigError> {
        let read = PluginsFile::read(file, limits, &PluginsFile::search_path(plugin_dir))?;
        for error in read.refused {
            tracing::error!(%error, "an entry of the plugins file is left out");
        }
        Ok(Self { entries: read.entries })
    }

    pub(super) fn names(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name == name)
    }

    /// Registers what is new or has changed, all at once, beside what was restored; forgets what is stale.
    pub(super) async fn bring(self, host: SupervisorHost, store: Store, stale: Vec<Registration>) {
        let forgotten = store.clone();
        let forget = tokio::task::spawn_blocking(move || {
            for Registration { name, .. } in stale {
                tracing::info!(plugin = %name, "forgotten: the plugins file does not name it any more");
                if let Err(error) = forgotten.remove(&name).and_then(|()| forgotten.remove_data_dir(&name)) {
                    tracing::warn!(plugin = %name, %error, "it cannot be forgotten");
                }
            }
            if let Err(error) = forgotten.collect() {
                tracing::warn!(%error, "cannot remove artifacts that nobody needs");
            }
        });
        if let Err(error) = forget.await {
            tracing::error!(%error, "forgetting stale plugins broke");
        }
        let all = self.entries.into_iter().map(|entry| bring_one(&host, &store, entry));
        futures_util::future::join_all(all).await;
    }
}

async fn bring_one(host: &SupervisorHost, store: &Store, entry: PluginEntry) {
    let name = entry.name.clone();
    let result = admit_one(host, store, entry).await;
    if let Err(reason) = result {
        let reason = format!("the entry {name} of the plugins file cannot be served: {reason}");
        host.supervisor.show_failed(&name, Source::File, reason);
    }
}

async fn admit_one(host: &SupervisorHost, store: &Store, entry: PluginEntry) -> Result<(), String> {
    let (importing, path) = (store.clone(), entry.path.clone());
    let artifact = tokio::task::spawn_blocking(move || importing.import(&path, MAX_ARTIFACT)).await;
    let artifact = artifact.map_err(|error| SupervisorError::defect(&error).to_string())?;
    let artifact = artifact.map_err(|error| error.to_string())?;
    let known = host.supervisor.inspect(&entry.name).and_then(|detail| detail.registration);
    if known.is_some_and(|known| is_unchanged(&known, &entry, artifact.sha256())) {
        return Ok(());
    }
    let admission = Admission {
        name: Some(entry.name),
        kind: entry.kind,
        file_name: entry.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        prefix: Some(entry.prefix),
        config: entry.config,
        limits: entry.limits,
        grants: entry.grants,
        grant_requested: entry.grant_requested,
        probe: None,
        disabled: false,
        take: Take::Over,
        asked: Asked::AT_BOOT,
        source: Source::File,
    };
    admit(host, store, admission, artifact).await.map(drop).map_err(|error| error.to_string())
}

/// What runs already is what the file says.
fn is_unchanged(known: &Registration, entry: &PluginEntry, sha256: &str) -> bool {
    let grants = known.grants == entry.grants || entry.grant_requested;
    let same = known.sha256 == sha256 && known.prefix == entry.prefix && known.config == entry.config;
    known.source == Source::File && same && grants && known.limits == entry.limits
}
