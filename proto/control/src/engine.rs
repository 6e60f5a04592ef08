//! What runs a JavaScript plugin: a word that both ends, the state file and the manifest write the same way.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An engine of JavaScript.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// The one that is built in.
    #[default]
    Quickjs,
    /// Deno, which this machine must have: never another one in its place.
    Deno,
    /// Deno where this machine has it, else the one that is built in.
    Auto,
}

impl Engine {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Quickjs, Self::Deno, Self::Auto];

    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quickjs => "quickjs",
            Self::Deno => "deno",
            Self::Auto => "auto",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Engine {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|engine| engine.as_str() == word);
        found.ok_or_else(|| format!("{word:?} is no engine: quickjs, deno or auto"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_the_same_everywhere() {
        for engine in Engine::ALL {
            let read = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(engine.as_str());
            assert_eq!(Engine::deserialize(read), Ok(engine));
            assert_eq!(engine.to_string().parse(), Ok(engine));
        }
        assert!("".parse::<Engine>().is_err() && "Deno".parse::<Engine>().is_err());
    }
}
