//! Why a process did not become ready.

use std::path::Path;
use std::time::Duration;

use valor_control::kind::Kind;
use valor_wire::control::Step;

use super::channel::Broken;
use super::deno::DenoError;
use super::error::{ErrorKind, SupervisorError};
use super::events::Cause;
use super::inspect::{InspectError, Problem};
use super::logs::clean;
use super::one_shot::OneShotError;
use super::policy::Shortfall;
use super::products::ProductError;
use crate::plane::{LinkFailureKind, PlaneError, ProbeError};
use crate::store::StoreError;

/// Names step and cure, and knows whether another attempt makes sense.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{step}: {message}")]
pub(super) struct StartError {
    pub kind: ErrorKind,
    pub cause: Cause,
    pub step: String,
    pub message: String,
    pub cure: String,
    /// Another attempt would end the same way.
    pub permanent: bool,
    /// The process has closed its control socket: its exit status says more.
    pub ended: bool,
}

impl StartError {
    fn new(kind: ErrorKind, step: &str, message: impl Into<String>, cure: impl Into<String>) -> Self {
        let (message, cure) = (message.into(), cure.into());
        let cause = match kind {
            ErrorKind::Deadline => Cause::Deadline,
            ErrorKind::Policy => Cause::Policy,
            ErrorKind::ShuttingDown => Cause::Shutdown,
            _ => Cause::Start,
        };
        Self { kind, cause, step: step.to_owned(), message, cure, permanent: false, ended: false }
    }

    fn permanent(mut self) -> Self {
        self.permanent = true;
        self
    }

    /// The step in which it happened, where the error itself does not say.
    pub(super) fn during(mut self, step: &str) -> Self {
        if self.step.is_empty() {
            step.clone_into(&mut self.step);
        }
        self
    }

    pub(super) fn spawn(kind: Kind, shim: &Path, error: &std::io::Error) -> Self {
        let cure = match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!("install {} beside valord, or name the directory of both with --shim", kind.shim())
            }
            std::io::ErrorKind::PermissionDenied => "make it executable for the user of valord".to_owned(),
            _ => "look at the limits of valord: descriptors, processes, memory".to_owned(),
        };
        Self::new(ErrorKind::Internal, "spawn", format!("cannot start {}: {error}", shim.display()), cure)
    }

    /// The check of the stored file broke.
    pub(super) fn verify(error: &tokio::task::JoinError) -> Self {
        Self::new(
            ErrorKind::Internal,
            "verify",
            error.to_string(),
            "this is a fault of valord, please report it",
        )
    }

    /// What browsers shall get of it cannot be made.
    pub(super) fn publish(message: &str) -> Self {
        let cure = "replace it with --no-web to do without browsers";
        Self::new(ErrorKind::Plugin, "publish", clean(message, MAX_MESSAGE), cure).permanent()
    }

    /// Its group could not be made.
    pub(super) fn group(error: &std::io::Error) -> Self {
        let message = format!("cannot limit it by a cgroup of its own: {error}");
        let cure = "see whether something else changes the cgroups of valord, and restart it by its unit";
        Self::new(ErrorKind::Internal, "cgroup", message, cure)
    }

    pub(super) fn shim(step: Step, message: &str) -> Self {
        let (word, permanent, cure) = match step {
            Step::Setup => ("setup", true, "install valord and valor-shim from one release"),
            Step::Sandbox => ("sandbox", true, ""),
            Step::Load => ("load", true, CHECK_CURE),
            Step::Abi => ("abi", true, "build the plugin with the SDK of this release"),
            Step::Seal => ("seal", true, "use a kernel with seccomp filters"),
            Step::Create => ("create", false, "see what it said at the end, and the plugin's --config"),
        };
        let error = Self::new(ErrorKind::Plugin, word, clean(message, MAX_MESSAGE), cure);
        if permanent { error.permanent() } else { error }
    }

    pub(super) fn version(message: &str) -> Self {
        Self::new(
            ErrorKind::Internal,
            "greeting",
            clean(message, MAX_MESSAGE),
            "install valord and valor-shim from one release",
        )
        .permanent()
    }

    pub(super) fn shutting_down() -> Self {
        Self::new(ErrorKind::ShuttingDown, "start", "valord is shutting down", "try again when it is back")
    }

    pub(super) fn no_uid() -> Self {
        let message = "the plugin has no uid of its own out of the configured range";
        Self::new(
            ErrorKind::Internal,
            "uid",
            message,
            "register it again, or widen plugin_uids in valord.toml",
        )
        .permanent()
    }

    pub(super) fn stranger(error: &std::io::Error) -> Self {
        let message = format!("the process that reports cannot be verified: {error}");
        Self::new(ErrorKind::Internal, "sandbox", message, "valord needs /proc, without hidepid")
    }

    pub(super) fn deadline(step: &str, whole: Duration) -> Self {
        let message = format!("the plugin was not ready within {whole:?}, and had got as far as this step");
        let cure = match step {
            "create" => {
                "`on_create`, or a constructor of the library, takes too long: move the work into a task"
            }
            _ => "the machine may be overloaded: try again",
        };
        Self::new(ErrorKind::Deadline, step, message, cure)
    }

    pub(super) fn probe(error: &ProbeError) -> Self {
        let message = error.to_string();
        let error = match error {
            ProbeError::Late(_) => Self::new(ErrorKind::Deadline, "probe", message, PROBE_CURE),
            ProbeError::Gone => {
                Self { ended: true, ..Self::new(ErrorKind::Plugin, "probe", message, PROBE_CURE) }
            }
            _ => Self::new(ErrorKind::Plugin, "probe", message, PROBE_CURE),
        };
        Self { cause: Cause::Probe, ..error }
    }

    /// What browsers get of it could not be made.
    pub(super) fn transpile(error: &ProductError) -> Self {
        let error = Self::compile(error);
        let cure = match &*error.cure {
            "" => String::new(),
            cure => format!("{cure}; or do without browsers: leave out --web, or replace it with --no-web"),
        };
        Self { step: "transpile".to_owned(), cure, ..error }
    }

    /// What it is started from could not be made.
    pub(super) fn compile(error: &ProductError) -> Self {
        use ErrorKind::{Deadline, Internal, Plugin};
        let (kind, permanent, cure) = match error {
            ProductError::Make(OneShotError::Deadline(_)) => (
                Deadline,
                false,
                "give it more time by compile_timeout in valord.toml, or make the plugin smaller",
            ),
            ProductError::Make(OneShotError::Failed(_)) => (Plugin, true, CHECK_CURE),
            ProductError::Make(OneShotError::Ended(_)) => {
                (Plugin, true, "it is more than the compiler can hold: make the plugin smaller")
            }
            ProductError::Make(OneShotError::Spawn { .. } | OneShotError::Pipe(_))
            | ProductError::Engine { .. }
            | ProductError::Broke(_) => (Internal, false, ""),
            ProductError::Store(error) => (ErrorKind::of(error), false, ""),
        };
        let error = Self::new(kind, "compile", clean(&error.to_string(), MAX_MESSAGE), cure);
        if permanent { error.permanent() } else { error }
    }

    /// The engine that it asks for is not to be had.
    pub(super) fn engine(error: &DenoError) -> Self {
        Self::new(ErrorKind::Plugin, "engine", clean(&error.to_string(), MAX_MESSAGE), error.cure())
            .permanent()
    }

    /// Whether nothing of the author's has run yet.
    pub(super) fn is_before_its_code(&self) -> bool {
        ["sandbox", "load"].contains(&&*self.step)
    }

    /// It is Deno that could not be loaded, not the author's file.
    pub(super) fn of_deno(mut self) -> Self {
        if self.step == "load" {
            self.permanent = false;
            self.cure = "install a later Deno, or name one by `deno = \"/path/of/deno\"` in valord.toml, or register it \
                         with --engine quickjs"
                .to_owned();
        }
        self
    }

    pub(super) fn problem(problem: &Problem) -> Self {
        Self::new(ErrorKind::Plugin, &problem.step, problem.message.clone(), problem.cure.clone()).permanent()
    }
}

const CHECK_CURE: &str = "`valorctl check FILE` says more about the file";
const PROBE_CURE: &str = "see `valorctl logs`, or name another path with --probe";

/// What a shim says is cut here; it ends up on terminals and in logs.
const MAX_MESSAGE: usize = 4096;

impl From<Broken> for StartError {
    fn from(broken: Broken) -> Self {
        let ended = matches!(broken, Broken::Closed);
        let message = if ended { "the process has ended".to_owned() } else { broken.to_string() };
        let cure = if ended {
            "neither a constructor of the library nor `on_create` may end the process: see what it said at the end"
        } else {
            "the plugin has written to valord's own socket: do not trust it"
        };
        let error = Self::new(ErrorKind::Plugin, "", message, cure);
        Self { ended, cause: if ended { Cause::Closed } else { Cause::Violation }, ..error }
    }
}

impl From<Shortfall> for StartError {
    fn from(shortfall: Shortfall) -> Self {
        Self::new(ErrorKind::Policy, "sandbox", shortfall.to_string(), shortfall.cure()).permanent()
    }
}

impl From<PlaneError> for StartError {
    fn from(error: PlaneError) -> Self {
        let kind = match error {
            PlaneError::NoPong(_) => ErrorKind::Deadline,
            PlaneError::ShuttingDown => ErrorKind::ShuttingDown,
            PlaneError::Link(_) => ErrorKind::Plugin,
            _ => ErrorKind::Internal,
        };
        let violation = matches!(error, PlaneError::Link(LinkFailureKind::Violation(_)));
        let error = Self::new(kind, "ping", error.to_string(), "see what the plugin said at the end");
        if violation { Self { cause: Cause::Violation, ..error } } else { error }
    }
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        let permanent = matches!(error, StoreError::Damaged { .. });
        let error = Self::new(ErrorKind::of(&error), error.step(), error.to_string(), "");
        if permanent { error.permanent() } else { error }
    }
}

impl From<InspectError> for StartError {
    fn from(error: InspectError) -> Self {
        Self::new(ErrorKind::Plugin, "inspect", error.to_string(), "")
    }
}

impl From<StartError> for SupervisorError {
    fn from(error: StartError) -> Self {
        let StartError { kind, step, message, cure, .. } = error;
        Self { kind, step, message, cure, output: Vec::new() }
    }
}
