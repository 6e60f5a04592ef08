//! The plugins file, as valord reads it.

use std::path::{Path, PathBuf};

use valor_control::plugins::{self, PluginsFile};

use super::ConfigError;

/// Reads the entries of a file; a bad one does not stop the others.
///
/// # Errors
/// When there is no list of entries.
pub fn read_plugins(file: &Path) -> Result<PluginsFile, ConfigError> {
    let text = plugins::read(file).map_err(|source| ConfigError::Read { file: file.to_owned(), source })?;
    PluginsFile::parse(&text).map_err(|wrong| ConfigError::Plugins { file: file.to_owned(), wrong })
}

/// Where library names of a file are searched: `LD_LIBRARY_PATH`, the plugin directory, beside the file, beside this executable.
#[must_use]
pub fn library_places(file: &Path, plugin_dir: Option<&Path>) -> Vec<PathBuf> {
    let mut places = plugins::search_path();
    places.extend(plugin_dir.map(Path::to_owned));
    places.push(plugins::folder(file));
    places.extend(std::env::current_exe().ok().as_deref().map(plugins::folder));
    places
}
