//! The plugins file: what `valord --plugins` serves, `valorctl apply` and `diff` read, and `export` writes. TOML, or JSON:
//!
//! ```json
//! {"plugins":[{"type":"native","name":"hello","path":"hello_plugin","prefix":"/hi","config":"Alice"}]}
//! ```

mod changes;
mod document;
mod entry;
mod find;
mod moves;
mod unique;
mod write;

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use changes::{Change, changes};
use document::Document;
pub use entry::{Entry, Grants, Limits, Web};
pub use find::{find, folder, search_path};
pub use moves::{Home, moves};
pub use write::{to_json, to_toml};

/// The longest file, in bytes; what is longer is none.
const MAX_FILE: u64 = 64 << 20;

/// The entries of a file; a bad one does not stop the others.
#[derive(Debug, Default)]
pub struct PluginsFile {
    /// Those that make sense, in the order of the file; names and prefixes are unique.
    pub entries: Vec<Listed>,
    /// What is wrong with the others.
    pub refused: Vec<Wrong>,
}

/// An entry, and where it stands.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Checked, and its prefix in its one form.
    pub entry: Entry,
    places: Places,
}

/// Line and column, both from 1.
pub type Place = (usize, usize);

/// By its path within an entry, such as `.limits.timeout`; the entry's own is empty.
type Places = HashMap<String, Place>;

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Where in the file.
    pub place: Place,
    /// Of the entry, where it is wrong in one that has a name.
    pub name: Option<String>,
    /// With the key, and what to write instead.
    pub reason: String,
}

/// The file as it is written.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "plugins file", deny_unknown_fields)]
struct Written<'a> {
    /// The plugins.
    plugins: &'a [Entry],
}

/// What stands in a file besides its entries.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    plugins: Vec<Value>,
    /// For editors.
    #[serde(rename = "$schema")]
    _schema: Option<Value>,
}

impl PluginsFile {
    /// Reads TOML or JSON, told by its content.
    ///
    /// # Errors
    /// When there is no list of entries; a bad entry is in [`PluginsFile::refused`].
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let Document { value, places } = document::parse(text)?;
        let raw: Raw = serde_json::from_value(value).map_err(|error| {
            let message = error.to_string();
            let place = document::unknown_key(&message).and_then(|key| places.get(&format!(".{key}")));
            Wrong::new(place.copied().unwrap_or((1, 1)), None, crate::nearest::explain(&message))
        })?;
        let mut this = Self::default();
        for (index, value) in raw.plugins.into_iter().enumerate() {
            let places = within(&places, &format!(".plugins[{index}]"));
            match this.entry(value, &places) {
                Ok(entry) => this.entries.push(Listed { entry, places }),
                Err(wrong) => this.refused.push(wrong),
            }
        }
        Ok(this)
    }

    fn entry(&self, value: Value, places: &Places) -> Result<Entry, Wrong> {
        let name = value.get("name").and_then(Value::as_str).map(str::to_owned);
        let at = |key: &str, reason: &str| {
            let said = if key.is_empty() { reason.to_owned() } else { format!("{}: {reason}", &key[1..]) };
            Wrong::new(nearest_place(places, key), name.clone(), said)
        };
        let mut entry: Entry = serde_path_to_error::deserialize(value).map_err(|error| {
            let reason = crate::nearest::explain(&error.inner().to_string());
            match error.path().to_string().as_str() {
                "." => at("", &reason),
                path => at(&format!(".{path}"), &reason),
            }
        })?;
        entry.check().map_err(|(key, reason)| at(&key, &reason))?;
        for Listed { entry: other, .. } in &self.entries {
            if other.name == entry.name {
                return Err(at(
                    ".name",
                    &format!("{:?} is taken by an earlier entry: choose another", entry.name),
                ));
            }
            if other.prefix == entry.prefix {
                let prefix = entry.prefix.unwrap_or_default();
                return Err(at(".prefix", &format!("{prefix:?} is taken by {}: choose another", other.name)));
            }
        }
        Ok(entry)
    }

    /// Whether there is, or may be, an entry of this name: also a bad one, and one whose name cannot be read.
    #[must_use]
    pub fn may_name(&self, name: &str) -> bool {
        self.entries.iter().any(|listed| listed.entry.name == name)
            || self.refused.iter().any(|wrong| wrong.name.as_deref().is_none_or(|bad| bad == name))
    }
}

impl Listed {
    /// Something is wrong with this entry. `field` is as the control API names it, such as `limits.timeout_ms`.
    #[must_use]
    pub fn wrong(&self, field: &str, reason: &str) -> Wrong {
        let key = field.strip_suffix("_ms").unwrap_or(field);
        let place = nearest_place(&self.places, &format!(".{key}"));
        let reason = if key.is_empty() { reason.to_owned() } else { format!("{key}: {reason}") };
        Wrong::new(place, Some(self.entry.name.clone()), reason)
    }
}

impl Wrong {
    fn new(place: Place, name: Option<String>, reason: String) -> Self {
        Self { place, name, reason }
    }
}

/// `LINE:COLUMN: NAME: KEY: REASON`, to stand after the file's name and a colon.
impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.place;
        write!(f, "{line}:{column}: ")?;
        self.name.iter().try_for_each(|name| write!(f, "{name}: "))?;
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Wrong {}

/// What is below a path, by the rest of theirs.
fn within(places: &Places, path: &str) -> Places {
    let below = |(at, place): (&String, &Place)| {
        let rest = at.strip_prefix(path).filter(|rest| rest.is_empty() || rest.starts_with(['.', '[']))?;
        Some((rest.to_owned(), *place))
    };
    places.iter().filter_map(below).collect()
}

/// Of the path, else of what it is in.
fn nearest_place(places: &Places, path: &str) -> Place {
    match places.get(path) {
        Some(place) => *place,
        None if path.is_empty() => (1, 1),
        None => nearest_place(places, &path[..path.rfind(['.', '[']).unwrap_or_default()]),
    }
}

/// Reads a file's text; one that never ends has an end here.
///
/// # Errors
/// When it cannot be read, is not UTF-8, or too long.
pub fn read(path: &Path) -> io::Result<String> {
    read_from(File::open(path)?)
}

/// The same of what is open already.
///
/// # Errors
/// As for [`read`].
pub fn read_from(source: impl io::Read) -> io::Result<String> {
    let mut text = String::new();
    if source.take(MAX_FILE + 1).read_to_string(&mut text)? as u64 > MAX_FILE {
        return Err(io::Error::other(format!("it has more than {MAX_FILE} bytes")));
    }
    Ok(text)
}

/// The JSON Schema of the file, for editors.
#[must_use]
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(Written<'static>);
    schema.insert("required".into(), Value::from(["plugins"].to_vec()));
    let mut text = format!("{:#}", schema.to_value());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
