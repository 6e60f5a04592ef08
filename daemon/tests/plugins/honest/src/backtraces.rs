//! A panic that is caught, with a backtrace, where there is no /proc to read symbols by.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::path::Path;

use crate::{Outcome, check};

pub(crate) fn run(_: &Path) -> Outcome {
    let trace = Backtrace::force_capture();
    check(trace.status() == BacktraceStatus::Captured, "no backtrace")?;
    check(!trace.to_string().is_empty(), "an empty backtrace")?;
    let caught = std::panic::catch_unwind(|| std::panic::resume_unwind(Box::new("on purpose")));
    check(caught.is_err(), "a panic was not caught")
}
