//! Where things are when nobody says: FHS 3.0 for the system's valord, the XDG Base Directory Specification for one's own.

use std::path::PathBuf;

use super::ConfigError;

/// What the usual places depend on.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// valord runs as root.
    pub root: bool,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<PathBuf>,
    /// `XDG_STATE_HOME`.
    pub state_home: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub config_home: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
}

impl Environment {
    /// This process's own.
    #[must_use]
    pub fn of_process(root: bool) -> Self {
        // A relative path is to be ignored, says the specification.
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        Self {
            root,
            runtime_dir: absolute("XDG_RUNTIME_DIR"),
            state_home: absolute("XDG_STATE_HOME"),
            config_home: absolute("XDG_CONFIG_HOME"),
            home: absolute("HOME"),
        }
    }

    pub(super) fn control(&self) -> Result<PathBuf, ConfigError> {
        if self.root {
            return Ok(PathBuf::from(valor_control::paths::SYSTEM));
        }
        let missing = ConfigError::NoPlace {
            what: "the control socket",
            variable: "XDG_RUNTIME_DIR",
            flag: "--control",
        };
        Ok(self.runtime_dir.as_ref().ok_or(missing)?.join("valor/control.sock"))
    }

    pub(super) fn state_dir(&self) -> Result<PathBuf, ConfigError> {
        if self.root {
            return Ok(PathBuf::from("/var/lib/valor"));
        }
        let home = self.home.as_ref().map(|home| home.join(".local/state"));
        let missing =
            ConfigError::NoPlace { what: "the state directory", variable: "HOME", flag: "--state-dir" };
        Ok(self.state_home.clone().or(home).ok_or(missing)?.join("valor"))
    }

    pub(super) fn config_file(&self) -> Option<PathBuf> {
        if self.root {
            return Some(PathBuf::from("/etc/valor/valord.toml"));
        }
        let home = self.home.as_ref().map(|home| home.join(".config"));
        Some(self.config_home.clone().or(home)?.join("valor/valord.toml"))
    }
}
