//! `valord.toml` as it was read at the start, to tell what has changed in it since and waits for a restart.

use std::io;
use std::path::PathBuf;

use serde_json::Value;
use valor_control::plugins::changes;

use super::ConfigError;
use super::file::File;

/// The file, and what stood in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Written {
    /// Where it is, or would be; `None`: it has no place.
    path: Option<PathBuf>,
    values: Value,
}

impl Written {
    /// Reads the file, if it is there.
    pub(super) fn read(path: Option<PathBuf>) -> Result<(Self, File), ConfigError> {
        let (file, values) = match &path {
            Some(path) => match std::fs::read_to_string(path) {
                Ok(text) => (File::parse(path, &text)?, values(&text)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => (File::default(), values("")),
                Err(source) => return Err(ConfigError::Read { file: path.clone(), source }),
            },
            None => (File::default(), values("")),
        };
        Ok((Self { path, values }, file))
    }

    /// Which settings are others now, such as `http.max_head`; or what is wrong with the file.
    #[must_use]
    pub fn changed(&self) -> Vec<String> {
        match Self::read(self.path.clone()) {
            Ok((now, _)) => {
                changes(&self.values, &now.values).into_iter().map(|change| change.field).collect()
            }
            Err(error) => vec![error.to_string()],
        }
    }
}

/// Of a text that has been parsed before.
fn values(text: &str) -> Value {
    let table: toml::Table = toml::from_str(text).unwrap_or_default();
    serde_json::to_value(table).unwrap_or_default()
}
