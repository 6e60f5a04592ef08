//! The directory of a bundle. What is not of an earlier bundle is left alone, and so is what somebody has changed since.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use valor_control::v1::BundleFile;

use super::receive::{File, sha256};
use crate::exit::{Exit, Failure};

/// What an earlier bundle has written: hashes by paths.
const WRITTEN: &str = ".valor-bundle.json";

const EXAMPLE: &str = "<!doctype html>\n<meta charset=\"utf-8\">\n<title>valor</title>\n\
<script type=\"module\" src=\"/_valor/valor.js\"></script>\n\
<p>Plugins answer <code>fetch</code> of this page; see <a href=\"/_valor/\">which there are</a>.\n";

/// What was done.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) files: Vec<String>,
    pub(super) removed: Vec<String>,
}

pub(super) fn write(dir: &Path, mut files: Vec<File>, force: bool) -> Result<Changed, Failure> {
    let headers = headers(&files).into_bytes();
    let about = BundleFile { path: "_headers".to_owned(), ..BundleFile::default() };
    files.push(File { about, bytes: headers });
    std::fs::create_dir_all(dir).map_err(|error| failed("make", dir, &error))?;
    let known = known(dir)?;
    // All is looked at before anything is written.
    let foreign: Vec<&str> = files
        .iter()
        .map(|file| &*file.about.path)
        .zip(&files)
        .filter_map(|(path, file)| {
            let there = std::fs::read(dir.join(path)).ok().map(|bytes| sha256(&bytes))?;
            (known.get(path) != Some(&there) && there != sha256(&file.bytes)).then_some(path)
        })
        .collect();
    if !foreign.is_empty() && !force {
        let failure = Failure::new(
            Exit::Refused,
            format!("bundle: {} has files that no bundle has written", dir.display()),
        );
        let failure =
            foreign.iter().take(10).fold(failure, |failure, path| failure.detail((*path).to_owned()));
        return Err(failure.cure("write to another directory, or overwrite them with --force"));
    }
    let mut written = BTreeMap::new();
    // What refers to others comes after them, so that a host that serves the directory never has half of it.
    files.sort_by_key(|file| file.about.path.ends_with("manifest.json"));
    for file in &files {
        put(dir, &file.about.path, &file.bytes)?;
        written.insert(file.about.path.clone(), sha256(&file.bytes));
    }
    if !dir.join("index.html").exists() {
        put(dir, "index.html", EXAMPLE.as_bytes())?;
    }
    let mut removed = Vec::new();
    for (path, hash) in known.iter().filter(|(path, _)| !written.contains_key(*path)) {
        let file = dir.join(path);
        if std::fs::read(&file).is_ok_and(|bytes| sha256(&bytes) == *hash) {
            std::fs::remove_file(&file).map_err(|error| failed("remove", &file, &error))?;
            removed.push(path.clone());
        }
    }
    let list = serde_json::to_vec_pretty(&written).unwrap_or_default();
    put(dir, WRITTEN, &list)?;
    Ok(Changed { files: written.into_keys().collect(), removed })
}

/// What an earlier bundle has written here.
fn known(dir: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let path = dir.join(WRITTEN);
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).ok().filter(is_ours).ok_or_else(|| {
            Failure::new(Exit::Failed, format!("read {}: it is damaged", path.display()))
                .cure("remove it, and write the bundle with --force")
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(failed("read", &path, &error)),
    }
}

/// No path of it leads out of the directory.
fn is_ours(known: &BTreeMap<String, String>) -> bool {
    known.keys().all(|path| path.split('/').all(|segment| !matches!(segment, "" | "." | "..")))
}

/// Whole, or not at all.
fn put(dir: &Path, path: &str, bytes: &[u8]) -> Result<(), Failure> {
    let target = dir.join(path);
    let folder = target.parent().unwrap_or(dir);
    let write = || {
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new().prefix(".valor-").permissions(mode()).tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.persist(&target).map_err(|error| error.error).map(drop)
    };
    write().map_err(|error: std::io::Error| failed("write", &target, &error))
}

/// For a host to read, less the umask.
fn mode() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o644)
}

/// By path, as Netlify and Cloudflare Pages read them.
fn headers(files: &[File]) -> String {
    let mut text = String::new();
    for file in files {
        let path = file.about.path.strip_suffix("index.html").unwrap_or(&file.about.path);
        // Writing to a string cannot fail.
        let _written = writeln!(text, "/{path}");
        for header in &file.about.headers {
            let _written = writeln!(text, "  {}: {}", header.name, header.value);
        }
    }
    text
}

fn failed(verb: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("{verb} {}: {error}", path.display()))
}
