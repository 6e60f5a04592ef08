//! What a call of the control API can end with; `convert` makes a status of it.

use std::time::Duration;

use crate::config::ConfigError;
use crate::store::StoreError;
use crate::supervisor::inspect::InspectError;
use crate::supervisor::{Problem, SupervisorError};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The caller may not.
    #[error("{0}")]
    Denied(String),
    /// The caller has all that one may have at once.
    #[error("{0}")]
    Full(String),
    /// Fields of the request make no sense: pairs of field and reason.
    #[error("{}", said(.0))]
    Invalid(Vec<(String, String)>),
    /// The stream of an upload is not as agreed.
    #[error("upload: {0}")]
    Upload(UploadError),
    /// The artifact cannot be loaded here.
    #[error("{}: {}{}{}", .0.step, .0.message, if .0.cure.is_empty() { "" } else { "; " }, .0.cure)]
    Artifact(Problem),
    /// The artifact could not be looked into.
    #[error("inspect: {0}")]
    Inspect(#[from] InspectError),
    /// What the supervisor says.
    #[error(transparent)]
    Supervisor(#[from] SupervisorError),
    /// The plugins file cannot be read; nothing was changed.
    #[error("{0}; nothing was changed")]
    File(#[from] ConfigError),
    /// What the store says.
    #[error("{step}: {0}", step = .0.step())]
    Store(#[from] StoreError),
    /// Something broke that must not.
    #[error("a defect of valord: {0}; look at its log, and report it")]
    Defect(String),
}

/// What is wrong with the stream of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UploadError {
    /// A chunk before the spec.
    #[error("the first message must be the spec, the others chunks")]
    Order,
    /// A chunk beyond the agreed size.
    #[error("a chunk has more than 64 KiB")]
    Chunk,
    /// A chunk that brings nothing on.
    #[error("a chunk is empty; send the bytes, and end the stream after the last")]
    Empty,
    /// Nothing came.
    #[error("nothing came for {0:?}; send the file again")]
    Stalled(Duration),
    /// Not done.
    #[error("it took longer than {0:?}; send the file from nearer")]
    Slow(Duration),
    /// The caller is gone.
    #[error("the caller ended the stream early")]
    Broken,
}

fn said(wrong: &[(String, String)]) -> String {
    let parts: Vec<_> = wrong.iter().map(|(field, reason)| format!("{field}: {reason}")).collect();
    parts.join("; ")
}
