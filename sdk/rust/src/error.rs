//! What goes wrong outside of HTTP.

use std::fmt;

use crate::http;

/// A failure of the SDK, or of a [`Vlugin`](crate::Vlugin).
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The configuration is not what the plugin expects.
    Config(String),
    /// A [`fetch`](crate::fetch) was refused or failed; valord's reason.
    Fetch(String),
    /// An answer that is an HTTP error.
    Http(http::Error),
    /// The message is of a kind that the vlugin does not handle.
    NotSupported,
    /// Anything else.
    Other(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Any error, as [`Error::Other`].
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(reason) => write!(f, "the configuration does not fit: {reason}"),
            Self::Fetch(reason) => write!(f, "fetch failed: {reason}"),
            Self::Http(error) => error.fmt(f),
            Self::NotSupported => f.write_str("not supported"),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Other(error) => error.source(),
            _ => None,
        }
    }
}

impl From<http::Error> for Error {
    fn from(error: http::Error) -> Self {
        Self::Http(error)
    }
}
