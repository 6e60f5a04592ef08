//! What browsers get of a plugin, read from its artifact when that is started.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use bytes::Bytes;
use valor_control::kind::Kind;
use valor_control::web::Mode;
use valor_wire::files;

use super::start_error::StartError;
use crate::store::{ArtifactRef, Product, Registration, StoreError};
use crate::web::{MAX_FILES, Published, check};

/// What browsers take instead of the artifact; `None`: they take it as it is, or nothing.
pub(super) fn published_as(registration: &Registration) -> Option<Product> {
    let is_run = registration.web.as_ref().is_some_and(|web| web.mode != Mode::Server);
    (is_run && registration.kind == Kind::Wasi).then_some(Product::Transpiled)
}

/// `None`: nothing is to be published. `artifact` was verified; `transpiled` is what was made of it, where [`published_as`] names
/// something.
pub(super) async fn make(
    registration: &Registration,
    artifact: &ArtifactRef,
    transpiled: Option<&Path>,
) -> Result<Option<Published>, StartError> {
    let Some(web) = registration.web.clone() else { return Ok(None) };
    let registration = registration.clone();
    let (path, size, transpiled) = (artifact.path(), artifact.size(), transpiled.map(Path::to_owned));
    let work = move || {
        check(registration.kind, size).map_err(|reason| StartError::publish(&reason))?;
        let files = match &transpiled {
            Some(path) => unpack(&read(path)?).map_err(|reason| StartError::publish(&reason))?,
            // What never runs in a browser has no file there.
            None if registration.kind == Kind::Wasi => Vec::new(),
            None => vec![(format!("plugin.{}", registration.kind), read(&path)?)],
        };
        Ok(Some(Published::new(&registration, &web, files)))
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(StartError::verify(&error)))
}

/// All of a file that was verified.
fn read(path: &Path) -> Result<Bytes, StoreError> {
    let failed = StoreError::io("read", path);
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILES + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(bytes.into()),
        Err(error) => Err(failed(error)),
    }
}

/// What a one-shot has written, which may be anything: the code to begin with, and then its modules.
fn unpack(bytes: &Bytes) -> Result<Vec<(String, Bytes)>, String> {
    let refused = |reason: String| format!("what was made of it for browsers is refused: {reason}");
    let files = files::read(bytes).map_err(|error| refused(error.to_string()))?;
    let is_module = |name: &str| name.ends_with(".js") || name.ends_with(".wasm");
    match files.first() {
        Some(("plugin.js", _)) if files.iter().all(|(name, _)| is_module(name)) => {}
        _ => return Err(refused("it is not plugin.js and modules".to_owned())),
    }
    Ok(files.into_iter().map(|(name, content)| (name.to_owned(), bytes.slice_ref(content))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpacked(files: &[(&str, &[u8])]) -> Result<Vec<(String, Bytes)>, String> {
        unpack(&files::write(files.iter().copied()).unwrap().into())
    }

    #[test]
    fn only_code_and_its_modules_are_taken() {
        let files = unpacked(&[("plugin.js", b"1"), ("plugin.core.wasm", b"2")]).unwrap();
        assert_eq!(files[1], ("plugin.core.wasm".to_owned(), Bytes::from_static(b"2")));
        for other in
            [&[("plugin.core.wasm", &b"2"[..])][..], &[("plugin.js", b"1"), ("index.html", b"<script>")]]
        {
            let refused = unpacked(other).unwrap_err();
            assert!(refused.ends_with("it is not plugin.js and modules"), "{refused}");
        }
        let refused = unpack(&Bytes::from_static(b"export default 1")).unwrap_err();
        assert!(refused.contains("it does not begin as files do"), "{refused}");
    }
}
