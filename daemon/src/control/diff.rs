//! What a registration would change, and how a plugin is registered.

use valor_control::v1::{self, PluginSpec};

use super::admit::{Settled, settle};
use super::register::{self, Accepted};
use super::{Admission, ControlError, Host, convert};
use crate::plugin::Limits;
use crate::store::{ArtifactRef, Registration, Source, Store};
use crate::supervisor::{Asked, ErrorKind, Inspection, SupervisorError};

/// Compares what is registered with what a spec asks for.
pub(super) async fn diff<H: Host>(
    host: &H,
    store: &Store,
    spec: PluginSpec,
    base: &Limits,
    most: u16,
) -> Result<v1::DiffResponse, ControlError> {
    // Of an artifact that may never come nothing but its hash counts.
    let spec = PluginSpec { stored: true, ..spec };
    let Accepted { admission, sha256, .. } = register::accept(spec, base, most, Asked::AT_BOOT, Source::Api)?;
    let artifact = register::stored(store, &sha256).await?;
    let name = admission.name.clone().unwrap_or_default();
    let to = wanted(host, admission, &sha256, artifact.as_ref()).await?;
    let known = host.inspect(&name);
    let from = known.as_ref().and_then(|known| known.registration.clone());
    Ok(v1::DiffResponse {
        from: from.map(|from| convert::spec(&from)),
        to: Some(convert::spec(&to)),
        stored: artifact.is_some(),
        source: known.map(|known| known.view.source.as_str().to_owned()).unwrap_or_default(),
    })
}

/// What would be registered; what its manifest asks for is not known before the artifact is here.
pub(super) async fn wanted<H: Host>(
    host: &H,
    admission: Admission,
    sha256: &str,
    artifact: Option<&ArtifactRef>,
) -> Result<Registration, ControlError> {
    let inspection = match artifact.filter(|_| admission.grant_requested || admission.name.is_none()) {
        Some(artifact) => host.examine(artifact).await?,
        None => Inspection::default(),
    };
    settle(admission, sha256, &inspection).map(|Settled { registration, .. }| registration)
}

/// Whether a plugin that is registered so is as it shall be. What the file of its artifact was called does not matter.
pub(super) fn is_same(known: &Registration, wanted: &Registration) -> bool {
    let spec = |registration| PluginSpec { file_name: String::new(), ..convert::spec(registration) };
    known.source == wanted.source && spec(known) == spec(wanted)
}

/// How a plugin is registered.
pub(super) fn export<H: Host>(host: &H, name: &str) -> Result<v1::ExportResponse, ControlError> {
    let known = host.inspect(name).ok_or_else(|| SupervisorError::not_found(name))?;
    // Its state file is damaged: nobody knows.
    let registration = known.registration.ok_or_else(|| {
        ControlError::Supervisor(SupervisorError {
            kind: ErrorKind::Plugin,
            step: "export".to_owned(),
            message: known.view.reason,
            cure: String::new(),
            output: Vec::new(),
        })
    })?;
    let source = registration.source.as_str().to_owned();
    Ok(v1::ExportResponse { spec: Some(convert::spec(&registration)), source })
}
