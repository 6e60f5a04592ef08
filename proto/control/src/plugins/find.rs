//! Where a plugin's file is.

use std::path::{Path, PathBuf};

/// A file, from the plugins file's directory; else a library's name: `hello_plugin` is `libhello_plugin.so`, searched in `places`.
///
/// # Errors
/// Says where it was looked for, and what to do.
pub fn find(path: &str, folder: &Path, places: &[PathBuf]) -> Result<PathBuf, String> {
    let given = folder.join(path);
    if given.is_file() {
        return Ok(given);
    }
    if path.is_empty() || path.contains('/') {
        return Err(format!("{} is no file: build the plugin, or correct the path", given.display()));
    }
    let library = if path.ends_with(".so") { path.to_owned() } else { format!("lib{path}.so") };
    if let Some(found) = places.iter().map(|place| place.join(&library)).find(|path| path.is_file()) {
        return Ok(found);
    }
    let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
    Err(format!(
        "neither the file {} nor the library {library} in {}: build the plugin, correct the path, or set LD_LIBRARY_PATH",
        given.display(),
        places.join(", ")
    ))
}

/// What the loader searches: `LD_LIBRARY_PATH`.
#[must_use]
pub fn search_path() -> Vec<PathBuf> {
    let loader = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    // An empty part would mean wherever this program was started.
    std::env::split_paths(&loader).filter(|dir| !dir.as_os_str().is_empty()).collect()
}

/// The directory of a file.
#[must_use]
pub fn folder(file: &Path) -> PathBuf {
    match file.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir.to_owned(),
        _ => PathBuf::from("."),
    }
}
