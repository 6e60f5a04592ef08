//! What is wrong with what the operator wrote.

use std::path::PathBuf;

use valor_control::plugins::Wrong;

/// Names the file, the key and the cure.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}; check the path and its permissions", file.display())]
    Read {
        /// Which.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not what it should be.
    #[error("{}:{line}:{column}: {reason}", file.display())]
    Syntax {
        /// Which file.
        file: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong, and what to write.
        reason: String,
    },
    /// A value makes no sense.
    #[error("{}: {key}: {reason}", file.display())]
    Value {
        /// Which file.
        file: PathBuf,
        /// Which key.
        key: String,
        /// What is wrong, and what to write.
        reason: String,
    },
    /// The plugins file, or an entry of it.
    #[error("{}:{wrong}", file.display())]
    Plugins {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it, and where.
        wrong: Wrong,
    },
    /// There is no usual place.
    #[error(
        "there is no usual place for {what}: {variable} is not set to an absolute path; set it, or give {flag}"
    )]
    NoPlace {
        /// For what.
        what: &'static str,
        /// What would say it.
        variable: &'static str,
        /// What says it, too.
        flag: &'static str,
    },
}
