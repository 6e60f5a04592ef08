//! What browsers get of a plugin, read from its artifact when that is started.

use std::io::Read as _;

use bytes::Bytes;

use super::shared::Shared;
use super::start_error::StartError;
use crate::store::{Registration, Store, StoreError};
use crate::web::{MAX_FILES, Published, check};

/// `None`: nothing is to be published.
pub(super) async fn make(
    shared: &Shared,
    registration: &Registration,
) -> Result<Option<Published>, StartError> {
    let Some(web) = registration.web.clone() else { return Ok(None) };
    let (store, registration) = (shared.store.clone(), registration.clone());
    let work = move || {
        let bytes = read(&store, &registration.sha256)?;
        check(registration.kind, bytes.len() as u64).map_err(|reason| StartError::publish(&reason))?;
        let name = format!("plugin.{}", registration.kind);
        Ok(Some(Published::new(&registration, &web, vec![(name, bytes)])))
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(StartError::verify(&error)))
}

/// All of an artifact, verified.
fn read(store: &Store, sha256: &str) -> Result<Bytes, StoreError> {
    let artifact = store.verify(sha256)?;
    let mut bytes = Vec::new();
    let read = artifact.open()?.take(MAX_FILES + 1).read_to_end(&mut bytes);
    read.map_err(StoreError::io("read", &artifact.path()))?;
    Ok(bytes.into())
}
