//! The real `valorctl`.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Output;

use crate::artifacts::{built, command};

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs it beside what else the test awaits, with nothing of the tester's environment.
pub(crate) async fn valorctl<S: AsRef<OsStr>>(control: &Path, args: impl IntoIterator<Item = S>) -> Run {
    let mut command = command(built("valorctl"));
    command.args(args).env_clear().env("VALOR_CONTROL", control);
    finish(command).await
}

pub(crate) async fn finish(mut command: std::process::Command) -> Run {
    command.stdin(std::process::Stdio::null());
    let Output { status, stdout, stderr } =
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
}
