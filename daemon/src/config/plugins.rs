//! The plugins file: the original's JSON, or the same in TOML.
//!
//! ```json
//! {"plugins":[{"type":"native","name":"hello","path":"hello_plugin","prefix":"/hi","config":"Alice"}]}
//! ```

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use valor_control::kind::Kind;

use super::limits::LimitsFile;
use super::{ConfigError, Wanted, build_grants, check_limits, nearest};
use crate::plugin::{Grants, Limits};
use crate::routes::check_prefix;
use crate::store::check_name;

/// The entries of a file; a bad one does not stop the others.
#[derive(Debug)]
pub struct PluginsFile {
    /// Those that can be registered, in the order of the file.
    pub entries: Vec<PluginEntry>,
    /// What is wrong with the others.
    pub refused: Vec<ConfigError>,
}

/// One entry, checked; the library is there, but nobody has looked into it.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginEntry {
    /// Unique in the file.
    pub name: String,
    /// What the file is said to be.
    pub kind: Option<Kind>,
    /// Normalised.
    pub prefix: String,
    /// The library.
    pub path: PathBuf,
    /// For the plugin; null: none.
    pub config: Value,
    /// What it may use.
    pub limits: Limits,
    /// What it may reach.
    pub grants: Grants,
    /// Also grant what the manifest asks for.
    pub grant_requested: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw<V> {
    plugins: Vec<V>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    #[serde(rename = "type", default)]
    kind: Option<Kind>,
    name: String,
    path: PathBuf,
    prefix: Option<String>,
    #[serde(default)]
    config: Value,
    #[serde(default)]
    limits: LimitsFile,
    #[serde(default)]
    grants: Wanted,
    #[serde(default)]
    grant_requested: bool,
}

impl PluginsFile {
    /// Reads a file; library names are searched in `search`, then beside the file and beside this executable.
    ///
    /// # Errors
    /// When there is no list of entries; a bad entry is in [`PluginsFile::refused`].
    pub fn read(file: &Path, base: &Limits, search: &[PathBuf]) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file)
            .map_err(|source| ConfigError::Read { file: file.to_owned(), source })?;
        let mut places = search.to_vec();
        places.push(folder(file));
        places.extend(std::env::current_exe().ok().as_deref().map(folder));
        Self::parse(file, &text, base, &places)
    }

    /// The same of a text; `places` is where library names are searched.
    pub(crate) fn parse(
        file: &Path,
        text: &str,
        base: &Limits,
        places: &[PathBuf],
    ) -> Result<Self, ConfigError> {
        let syntax = |(line, column): (usize, usize), message: &str| ConfigError::Syntax {
            file: file.to_owned(),
            line,
            column,
            reason: nearest::explain(message),
        };
        // No TOML document begins with a brace.
        let entries: Vec<_> = if text.trim_start().starts_with('{') {
            let raw: Raw<Value> = serde_json::from_str(text).map_err(|error| {
                let message = error.to_string();
                let message =
                    message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
                syntax((error.line(), error.column()), message)
            })?;
            raw.plugins.into_iter().map(Ok).collect()
        } else {
            let raw: Raw<toml::Value> = toml::from_str(text).map_err(|error| {
                syntax(nearest::position(text, error.span().map_or(0, |span| span.start)), error.message())
            })?;
            raw.plugins.into_iter().map(from_toml).collect()
        };
        let mut this = Self { entries: Vec::new(), refused: Vec::new() };
        for (index, value) in entries.into_iter().enumerate() {
            let name = value.as_ref().ok().and_then(|v| v.get("name")?.as_str()).map(str::to_owned);
            let entry = value.map_err(|reason| ("entry".to_owned(), reason));
            match entry.and_then(|value| this.entry(value, file, base, places)) {
                Ok(entry) => this.entries.push(entry),
                Err((key, reason)) => {
                    this.refused.push(ConfigError::Entry { file: file.to_owned(), index, name, key, reason });
                }
            }
        }
        Ok(this)
    }

    fn entry(
        &self,
        value: Value,
        file: &Path,
        base: &Limits,
        places: &[PathBuf],
    ) -> Result<PluginEntry, (String, String)> {
        let at = |key: &str| {
            let key = key.to_owned();
            move |reason: String| (key, reason)
        };
        let raw: RawEntry = serde_json::from_value(value)
            .map_err(|error| at("entry")(nearest::explain(&error.to_string())))?;
        check_name(&raw.name)
            .map_err(|reason| at("name")(format!("{:?} is not allowed: {reason}", raw.name)))?;
        let prefix = raw.prefix.unwrap_or_else(|| format!("/{}", raw.name));
        let prefix = check_prefix(&prefix).map_err(|error| at("prefix")(error.to_string()))?;
        for other in &self.entries {
            if other.name == raw.name {
                return Err(at("name")(format!(
                    "{:?} is taken by an earlier entry: choose another",
                    raw.name
                )));
            }
            if other.prefix == prefix {
                return Err(at("prefix")(format!("{prefix:?} is taken by {}: choose another", other.name)));
            }
        }
        let limits = raw.limits.over(base);
        if let Some((key, reason)) = check_limits(&limits).into_iter().next() {
            return Err((format!("limits.{key}"), reason));
        }
        let grants = build_grants(&raw.grants, |name| std::env::var(name).ok()).map_err(|wrong| {
            let (key, reason) = wrong.into_iter().next().unwrap_or_default();
            (format!("grants.{key}"), reason)
        })?;
        let path = find(&raw.path, file, places).map_err(at("path"))?;
        Ok(PluginEntry {
            name: raw.name,
            kind: raw.kind,
            prefix,
            path,
            config: raw.config,
            limits,
            grants,
            grant_requested: raw.grant_requested,
        })
    }

    /// Where library names are searched first: `LD_LIBRARY_PATH`, then the plugin directory.
    #[must_use]
    pub fn search_path(plugin_dir: Option<&Path>) -> Vec<PathBuf> {
        let loader = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        // An empty part would mean wherever valord was started.
        let loader = std::env::split_paths(&loader).filter(|dir| !dir.as_os_str().is_empty());
        loader.chain(plugin_dir.map(Path::to_owned)).collect()
    }
}

/// What TOML has and JSON has not: a time becomes a string, as it is written.
fn from_toml(value: toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => serde_json::Number::from_f64(number)
            .ok_or_else(|| format!("{number} is no number to a plugin: write it as a string"))?
            .into(),
        toml::Value::Boolean(value) => value.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(values) => {
            values.into_iter().map(from_toml).collect::<Result<Vec<_>, _>>()?.into()
        }
        toml::Value::Table(fields) => {
            let field = |(key, value)| Ok::<_, String>((key, from_toml(value)?));
            fields.into_iter().map(field).collect::<Result<serde_json::Map<_, _>, _>>()?.into()
        }
    })
}

/// A file, relative to the plugins file; else a library's name: `hello_plugin` is `libhello_plugin.so`.
fn find(path: &Path, file: &Path, places: &[PathBuf]) -> Result<PathBuf, String> {
    let given = folder(file).join(path);
    if given.is_file() {
        return Ok(given);
    }
    let Some(name) = path.to_str().filter(|name| !name.is_empty() && !name.contains('/')) else {
        return Err(format!("{} is no file: build the plugin, or correct the path", given.display()));
    };
    let library = if name.ends_with(".so") { name.to_owned() } else { format!("lib{name}.so") };
    if let Some(found) = places.iter().map(|place| place.join(&library)).find(|path| path.is_file()) {
        return Ok(found);
    }
    let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
    Err(format!(
        "neither the file {} nor the library {library} in {}: build the plugin, correct the path, or set plugin_dir",
        given.display(),
        places.join(", ")
    ))
}

fn folder(file: &Path) -> PathBuf {
    match file.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests;
