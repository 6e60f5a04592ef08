//! How a plugin is published to browsers: a word that both ends, the state file and the manifest write the same way.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a published plugin answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// In the browser, and what cannot be answered there on the server.
    #[default]
    LocalWithFallback,
    /// In the browser, never on the server.
    Local,
    /// On the server, never in the browser: its code is not published.
    Server,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::LocalWithFallback, Self::Local, Self::Server];

    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LocalWithFallback => "local-with-fallback",
            Self::Local => "local",
            Self::Server => "server",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The word, or `fallback` for short.
impl FromStr for Mode {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "fallback" => Ok(Self::LocalWithFallback),
            _ => Self::ALL
                .into_iter()
                .find(|mode| mode.as_str() == word)
                .ok_or_else(|| format!("{word:?} is no mode: local-with-fallback, local or server")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_the_same_everywhere() {
        for mode in Mode::ALL {
            let read = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(mode.as_str());
            assert_eq!(Mode::deserialize(read), Ok(mode));
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        assert_eq!("fallback".parse(), Ok(Mode::default()));
        assert!("".parse::<Mode>().is_err() && "Local".parse::<Mode>().is_err());
    }
}
