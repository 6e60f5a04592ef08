//! Exit codes, and how every failure becomes one and is told: once, with the failed step and the cure.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::output::clean;

/// The exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Ok = 0,
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    Unreachable = 4,
    Refused = 5,
    TimedOut = 124,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a verb did not do what it was asked.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// The failed step and what went wrong.
    message: String,
    /// More of it, a line each.
    details: Vec<String>,
    cure: Option<String>,
    others: Vec<Self>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), details: Vec::new(), cure: None, others: Vec::new() }
    }

    pub(crate) fn cure(mut self, cure: impl Into<String>) -> Self {
        self.cure = Some(cure.into());
        self
    }

    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    /// Where in a file its reason is.
    pub(crate) fn at(mut self, place: &str) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// With another exit code.
    pub(crate) fn exits(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// In one line, without cure and details.
    pub(crate) fn message(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// Several failures as one: each is told, the first decides the exit code.
    pub(crate) fn all(failures: Vec<Self>) -> Option<Self> {
        let mut failures = failures.into_iter();
        let mut first = failures.next()?;
        first.others = failures.collect();
        Some(first)
    }

    /// No answer within the time that `--wait-timeout` gives.
    pub(crate) fn timed_out(verb: &str, after: Duration) -> Self {
        Self::new(Exit::TimedOut, format!("{verb}: no answer from valord within {after:?}"))
            .cure("wait longer with --wait-timeout, or look at valord's log")
    }

    /// The result could not be written. A reader that has had enough is no failure.
    pub(crate) fn output(error: &std::io::Error) -> Self {
        let exit = if error.kind() == std::io::ErrorKind::BrokenPipe { Exit::Ok } else { Exit::Failed };
        Self::new(exit, format!("write the result: {error}"))
    }

    /// What valord answered. The only place that reads a status.
    pub(crate) fn status(verb: &str, status: &Status) -> Self {
        if let Some(source) = status.source() {
            // Made here, not there: the connection is broken, or there is something else on the socket.
            return Self::new(
                Exit::Unreachable,
                format!("{verb}: the connection to valord broke: {}", chain(source)),
            )
            .cure("see whether valord still runs, and its log");
        }
        let details = status.get_error_details();
        let metadata = details.error_info().map(|info| &info.metadata);
        let step = metadata.and_then(|m| m.get("step")).map_or(verb, String::as_str);
        let message = if status.message().is_empty() { describe(status.code()) } else { status.message() };
        let message = match message.strip_prefix(step) {
            Some(rest) if rest.starts_with(": ") => message.to_owned(),
            _ => format!("{step}: {message}"),
        };
        let mut failure = Self::new(exit(status.code(), &details), message);
        failure.cure = metadata.and_then(|m| m.get("cure")).filter(|cure| !cure.is_empty()).cloned();
        if details.error_info().is_none() && is_foreign(status.code()) {
            // Each refusal of valord says more; this one is of a library, here or there, or of somebody else.
            failure.cure = Some(
                "is this the control socket of a valord of this release? see --control and valord's log"
                    .into(),
            );
        }
        for violation in details.bad_request().map_or(&[][..], |b| &b.field_violations) {
            failure.details.push(format!("{}: {}", violation.field, violation.description));
        }
        let output = metadata.and_then(|m| m.get("output")).filter(|output| !output.is_empty());
        if let Some(output) = output {
            failure.details.push("it said at the end:".to_owned());
            failure.details.extend(output.lines().map(|line| format!("| {line}")));
        }
        failure
    }
}

/// An error and what caused it, each said once.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}

fn is_foreign(code: Code) -> bool {
    use Code::{DataLoss, Internal, OutOfRange, Unavailable, Unimplemented, Unknown};
    matches!(code, DataLoss | Internal | OutOfRange | Unavailable | Unimplemented | Unknown)
}

/// What a status code means to a script.
fn exit(code: Code, details: &ErrorDetails) -> Exit {
    match code {
        Code::Ok => Exit::Ok,
        Code::InvalidArgument => Exit::Usage,
        Code::NotFound => Exit::NotFound,
        Code::Unavailable => Exit::Unreachable,
        Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::PermissionDenied
        | Code::Unauthenticated => Exit::Refused,
        Code::DeadlineExceeded => Exit::TimedOut,
        _ if details.bad_request().is_some() => Exit::Usage,
        _ => Exit::Failed,
    }
}

fn describe(code: Code) -> &'static str {
    match code {
        Code::Unimplemented => {
            "this valord does not know the call; install valorctl and valord from one release"
        }
        code => code.description(),
    }
}

/// `error: step: message`, its details, and `help: cure`.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.exit == Exit::Ok {
            return Ok(());
        }
        let mut lines = self.message.lines();
        writeln!(f, "error: {}", clean(lines.next().unwrap_or_default()))?;
        for line in lines.chain(self.details.iter().flat_map(|d| d.lines())) {
            writeln!(f, "  {}", clean(line))?;
        }
        if let Some(cure) = &self.cure {
            writeln!(f, "  help: {}", clean(cure))?;
        }
        self.others.iter().try_for_each(|other| other.fmt(f))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn refused(code: Code, message: &str, metadata: &[(&str, &str)]) -> Failure {
        let metadata: HashMap<String, String> =
            metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let details = ErrorDetails::with_error_info("REASON", "valor", metadata);
        Failure::status("register", &Status::with_error_details(code, message, details))
    }

    #[test]
    fn the_step_stands_once_and_the_cure_last() {
        let failure =
            refused(Code::AlreadyExists, "name is taken", &[("step", "reserve"), ("cure", "use --replace")]);
        assert_eq!(failure.to_string(), "error: reserve: name is taken\n  help: use --replace\n");
        let failure = refused(Code::AlreadyExists, "reserve: name is taken", &[("step", "reserve")]);
        assert_eq!(failure.to_string(), "error: reserve: name is taken\n");
        let failure = Failure::status("list", &Status::internal(""));
        assert!(failure.to_string().starts_with("error: list: "), "{failure}");
    }

    #[test]
    fn the_last_words_of_a_plugin_are_told() {
        let metadata = [("step", "create"), ("cure", "see what it said"), ("output", "one\n\x1b[2Jtwo")];
        let failure = refused(Code::Unknown, "it exited with code 3", &metadata);
        let said = "error: create: it exited with code 3\n  it said at the end:\n  | one\n  | \\u{1b}[2Jtwo\n  help: see what it said\n";
        assert_eq!(failure.to_string(), said);
    }

    #[test]
    fn violations_are_listed_and_hostile_text_is_harmless() {
        let mut details = ErrorDetails::with_bad_request_violation("limits.memory", "too small");
        details.add_bad_request_violation("name", "has \x1b[31mcolour");
        let status = Status::with_error_details(Code::InvalidArgument, "two fields\nare wrong", details);
        let failure = Failure::status("register", &status);
        assert_eq!(failure.exit, Exit::Usage);
        assert_eq!(
            failure.to_string(),
            "error: register: two fields\n  are wrong\n  limits.memory: too small\n  name: has \\u{1b}[31mcolour\n"
        );
    }

    #[test]
    fn every_code_has_its_exit() {
        let cases = [
            (Code::InvalidArgument, Exit::Usage),
            (Code::NotFound, Exit::NotFound),
            (Code::Unavailable, Exit::Unreachable),
            (Code::AlreadyExists, Exit::Refused),
            (Code::FailedPrecondition, Exit::Refused),
            (Code::PermissionDenied, Exit::Refused),
            (Code::Aborted, Exit::Refused),
            (Code::DeadlineExceeded, Exit::TimedOut),
            (Code::Internal, Exit::Failed),
            (Code::Unknown, Exit::Failed),
            (Code::ResourceExhausted, Exit::Failed),
            (Code::Cancelled, Exit::Failed),
        ];
        for (code, exit) in cases {
            assert_eq!(Failure::status("x", &Status::new(code, "m")).exit, exit, "{code:?}");
        }
    }
}
