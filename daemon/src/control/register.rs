//! `register`: the spec, field by field, then the artifact, piece by piece.

use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use tonic::Status;
use valor_control::MAX_CHUNK;
use valor_control::v1::register_request::Part;
use valor_control::v1::{PluginSpec, RegisterRequest};

use super::error::UploadError;
use super::fields::Fields;
use super::{Admission, ControlError};
use crate::plugin::Limits;
use crate::store::{ArtifactRef, Source, Store, StoreError};
use crate::supervisor::{Asked, Take};

/// How long an upload may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Between two messages.
    pub(super) idle: Duration,
    /// For all of them.
    pub(super) total: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { idle: Duration::from_secs(30), total: Duration::from_secs(15 * 60) }
    }
}

/// A spec that makes sense, and what its artifact shall be.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) admission: Admission,
    pub(super) sha256: String,
    /// 0: valord keeps it already.
    pub(super) size: u64,
}

/// The first message of a registration.
pub(super) async fn spec(
    messages: &mut (impl Stream<Item = Result<RegisterRequest, Status>> + Unpin),
    patience: Patience,
    base: &Limits,
    most: u16,
    asked: Asked,
) -> Result<Accepted, ControlError> {
    match next(messages, patience).await? {
        Some(Part::Spec(spec)) => accept(spec, base, most, asked, Source::Api),
        _ => Err(ControlError::Upload(UploadError::Order)),
    }
}

/// The artifact: one that is here already, or the other messages.
pub(super) async fn artifact(
    messages: &mut (impl Stream<Item = Result<RegisterRequest, Status>> + Unpin),
    patience: Patience,
    store: &Store,
    sha256: &str,
    size: u64,
) -> Result<ArtifactRef, ControlError> {
    if size > 0 {
        return receive(messages, patience, store, sha256, size).await;
    }
    let missing = || format!("valord keeps no artifact {sha256}: send it");
    stored(store, sha256).await?.ok_or_else(|| ControlError::Invalid(vec![("stored".to_owned(), missing())]))
}

/// An artifact that is here, whole.
pub(super) async fn stored(store: &Store, sha256: &str) -> Result<Option<ArtifactRef>, ControlError> {
    let (store, sha256) = (store.clone(), sha256.to_owned());
    blocking(move || match store.verify(&sha256) {
        Err(StoreError::Damaged { .. }) => Ok(None),
        found => found.map(Some),
    })
    .await
}

/// What does not arrive whole leaves nothing behind.
pub(super) async fn receive(
    messages: &mut (impl Stream<Item = Result<RegisterRequest, Status>> + Unpin),
    patience: Patience,
    store: &Store,
    sha256: &str,
    size: u64,
) -> Result<ArtifactRef, ControlError> {
    let upload = async {
        let mut writer = store.write_artifact(sha256, size)?;
        while let Some(part) = next(messages, patience).await? {
            let Part::Chunk(chunk) = part else {
                return Err(ControlError::Upload(UploadError::Order));
            };
            match chunk.len() {
                // It would put off the end of our patience for nothing.
                0 => return Err(ControlError::Upload(UploadError::Empty)),
                1..=MAX_CHUNK => {}
                _ => return Err(ControlError::Upload(UploadError::Chunk)),
            }
            // The disk may take its time; the control thread has none.
            writer = blocking(move || writer.write(&chunk).map(|()| writer)).await?;
        }
        blocking(move || writer.finish()).await
    };
    let slow = Err(ControlError::Upload(UploadError::Slow(patience.total)));
    tokio::time::timeout(patience.total, upload).await.unwrap_or(slow)
}

async fn next(
    messages: &mut (impl Stream<Item = Result<RegisterRequest, Status>> + Unpin),
    patience: Patience,
) -> Result<Option<Part>, ControlError> {
    match tokio::time::timeout(patience.idle, messages.next()).await {
        Err(_) => Err(ControlError::Upload(UploadError::Stalled(patience.idle))),
        Ok(None) => Ok(None),
        Ok(Some(Err(_))) => Err(ControlError::Upload(UploadError::Broken)),
        Ok(Some(Ok(message))) => message.part.map(Some).ok_or(ControlError::Upload(UploadError::Order)),
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, ControlError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        Err(error) => Err(ControlError::Defect(error.to_string())),
    }
}

/// Checks every field, and says all that is wrong at once.
pub(super) fn accept(
    spec: PluginSpec,
    base: &Limits,
    most: u16,
    asked: Asked,
    source: Source,
) -> Result<Accepted, ControlError> {
    let mut fields = Fields::default();
    if !spec.name.is_empty() {
        fields.name(&spec.name);
    }
    fields.artifact(&spec.file_name, &spec.sha256, Some(spec.size).filter(|_| !spec.stored));
    fields.prefix(&spec.prefix);
    let config = fields.config(&spec.config).unwrap_or_default();
    let limits = fields.limits(spec.limits.as_ref(), base, most);
    let grants = fields.grants(spec.grants.as_ref());
    let probe = fields.probe(&spec.probe);
    let kind = fields.kind(&spec.kind);
    let engine = fields.engine(&spec.engine);
    let web = spec.web.as_ref().map(|web| fields.web(web, None));
    fields.done()?;
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    let admission = Admission {
        kind,
        engine,
        name: given(spec.name),
        file_name: spec.file_name,
        prefix: given(spec.prefix),
        config,
        limits,
        grants,
        grant_requested: spec.grant_requested,
        probe,
        disabled: spec.disabled,
        web,
        take: if spec.replace { Take::Over } else { Take::New },
        asked,
        source,
    };
    Ok(Accepted { admission, sha256: spec.sha256, size: if spec.stored { 0 } else { spec.size } })
}
