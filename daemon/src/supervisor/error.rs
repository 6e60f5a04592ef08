//! What can go wrong with a plugin, as the operator is told.

/// A failed registration; the same as any other failure of the supervisor.
pub type RegisterError = SupervisorError;

/// Names the failed step and the cure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{step}: {message}{}{cure}", if cure.is_empty() { "" } else { "; " })]
pub struct SupervisorError {
    /// What kind of failure.
    pub kind: ErrorKind,
    /// The failed step, in a word or two: `name`, `prefix`, `sandbox`, `load`, `create` ...
    pub step: String,
    /// What happened.
    pub message: String,
    /// What to do about it; may be empty where the message says it already.
    pub cure: String,
    /// The last lines that the plugin wrote, oldest first.
    pub output: Vec<String>,
}

/// The kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// No plugin of this name.
    NotFound,
    /// The name belongs to another plugin.
    NameTaken,
    /// The prefix belongs to another plugin.
    PrefixTaken,
    /// The name or the prefix is malformed.
    Invalid,
    /// The plugins file owns the entry.
    OwnedByFile,
    /// Another change of the same plugin is under way.
    Busy,
    /// The plugin is disabled.
    Disabled,
    /// The sandbox falls short of the policy.
    Policy,
    /// The plugin itself does not start.
    Plugin,
    /// A step took longer than it may.
    Deadline,
    /// The disk of the state directory is full, or its quota is.
    Full,
    /// The daemon or its machine is at fault: no descriptors, no disk.
    Internal,
    /// The daemon is shutting down.
    ShuttingDown,
}

impl SupervisorError {
    /// A failure without output of the plugin.
    pub(super) fn new(
        kind: ErrorKind,
        step: impl Into<String>,
        message: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self { kind, step: step.into(), message: message.into(), cure: cure.into(), output: Vec::new() }
    }

    pub(crate) fn not_found(name: &str) -> Self {
        Self::new(
            ErrorKind::NotFound,
            "name",
            format!("there is no plugin {name:?}"),
            "`valorctl list` shows those that there are",
        )
    }

    pub(super) fn shutting_down() -> Self {
        Self::new(ErrorKind::ShuttingDown, "daemon", "valord is shutting down", "try again when it is back")
    }

    /// Something of the daemon itself broke.
    #[must_use]
    pub fn defect(error: &dyn std::fmt::Display) -> Self {
        Self::internal("daemon", error)
    }

    pub(super) fn internal(step: &str, error: &dyn std::fmt::Display) -> Self {
        Self::new(ErrorKind::Internal, step, error.to_string(), "look at the log of valord")
    }
}

impl From<crate::store::StoreError> for SupervisorError {
    fn from(error: crate::store::StoreError) -> Self {
        // The message of a store error ends with its cure.
        Self::new(ErrorKind::of(&error), error.step(), error.to_string(), "")
    }
}

impl ErrorKind {
    /// What kind of failure of the store it is.
    pub(super) fn of(error: &crate::store::StoreError) -> Self {
        if error.is_full() { Self::Full } else { Self::Internal }
    }
}
