//! The artifact on its way: hashed first, then streamed in chunks from the same open file.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use valor_control::v1::{
    PluginSpec, RegisterRequest, ReplaceRequest, ReplaceSpec, register_request, replace_request,
};
use valor_control::{MAX_ARTIFACT, MAX_CHUNK};

use crate::exit::{Exit, Failure};
use crate::progress::Progress;

/// What is about to be sent.
#[derive(Debug)]
pub(in crate::commands) struct Digest {
    /// At its beginning.
    pub(in crate::commands) file: File,
    /// In hexadecimal.
    pub(in crate::commands) sha256: String,
    /// In bytes.
    pub(in crate::commands) size: u64,
}

/// Hashes a file on a thread of its own: the one that talks to valord must answer it meanwhile.
pub(in crate::commands) async fn digest(mut file: File, path: &Path) -> Result<Digest, Failure> {
    let path = path.to_owned();
    let hashed = tokio::task::spawn_blocking(move || {
        hash_all(&mut file, &path).map(|(sha256, size)| Digest { file, sha256, size })
    });
    hashed.await.unwrap_or_else(|error| Err(Failure::new(Exit::Failed, format!("hash the file: {error}"))))
}

/// The hash and the size; the file is at its beginning again. One that grows for ever has an end here.
fn hash_all(file: &mut File, path: &Path) -> Result<(String, u64), Failure> {
    let failed =
        |error: std::io::Error| Failure::new(Exit::Failed, format!("read {}: {error}", path.display()));
    let mut hash = Sha256::new();
    let mut size = 0;
    let mut buffer = vec![0; MAX_CHUNK];
    loop {
        let n = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        hash.update(&buffer[..n]);
        size += n as u64;
        if size > MAX_ARTIFACT {
            let message = format!("read {}: it has more than {MAX_ARTIFACT} bytes", path.display());
            return Err(Failure::new(Exit::Usage, message).cure("name the library itself"));
        }
    }
    file.rewind().map_err(failed)?;
    Ok((hex(hash), size))
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How the reading ended.
#[derive(Debug, Clone, Default)]
pub(in crate::commands) struct Reading(Arc<OnceLock<std::io::Error>>);

impl Reading {
    /// A file that could not be read to its end is why valord says that the hash is wrong.
    pub(in crate::commands) fn check(&self, path: Option<&Path>) -> Result<(), Failure> {
        let path = path.unwrap_or(Path::new("-")).display();
        let failed = |error| Failure::new(Exit::Failed, format!("read {path}: {error}"));
        self.0.get().map_or(Ok(()), |error| Err(failed(error)))
    }
}

/// A call that brings an artifact: its description, then its pieces.
pub(in crate::commands) trait Upload: Send + 'static {
    /// The messages of the call.
    type Message: Send;
    /// The hash and the size of what follows.
    fn announced(&self) -> (String, u64);
    fn first(self) -> Self::Message;
    fn chunk(chunk: Vec<u8>) -> Self::Message;
}

impl Upload for PluginSpec {
    type Message = RegisterRequest;

    fn announced(&self) -> (String, u64) {
        (self.sha256.clone(), self.size)
    }

    fn first(self) -> RegisterRequest {
        RegisterRequest { part: Some(register_request::Part::Spec(self)) }
    }

    fn chunk(chunk: Vec<u8>) -> RegisterRequest {
        RegisterRequest { part: Some(register_request::Part::Chunk(chunk)) }
    }
}

impl Upload for ReplaceSpec {
    type Message = ReplaceRequest;

    fn announced(&self) -> (String, u64) {
        (self.sha256.clone(), self.size)
    }

    fn first(self) -> ReplaceRequest {
        ReplaceRequest { part: Some(replace_request::Part::Spec(self)) }
    }

    fn chunk(chunk: Vec<u8>) -> ReplaceRequest {
        ReplaceRequest { part: Some(replace_request::Part::Chunk(chunk)) }
    }
}

/// The messages of the call; a few chunks at most are held.
pub(in crate::commands) fn stream<U: Upload>(
    spec: U,
    file: Option<File>,
    progress: &Progress,
) -> (ReceiverStream<U::Message>, Reading) {
    let (sender, receiver) = mpsc::channel(4);
    let reading = Reading::default();
    let (result, progress) = (reading.clone(), progress.sent());
    tokio::task::spawn_blocking(move || {
        let (announced, size) = spec.announced();
        // A receiver that is gone means that valord has answered already.
        if sender.blocking_send(spec.first()).is_err() {
            return;
        }
        let Some(file) = file else { return };
        // Nobody else sets it.
        let failed = |error| drop(result.0.set(error));
        let (mut file, mut hash) = (file.take(size), Sha256::new());
        loop {
            let mut chunk = vec![0; MAX_CHUNK];
            match file.read(&mut chunk) {
                Ok(0) => break,
                Ok(n) => chunk.truncate(n),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return failed(error),
            }
            hash.update(&chunk);
            progress.add(chunk.len());
            if sender.blocking_send(U::chunk(chunk)).is_err() {
                return;
            }
        }
        if hex(hash) != announced {
            failed(std::io::Error::other("it changed while it was sent; send it again when it is finished"));
        }
    });
    (ReceiverStream::new(receiver), reading)
}
