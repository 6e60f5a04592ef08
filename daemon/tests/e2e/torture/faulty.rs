//! `examples/faulty`: valord over a disk that fails on order.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, ExitStatus, Stdio};

use nix::sys::signal::Signal;

use crate::artifacts::{built, command};
use crate::daemon::{Daemon, valord_by};

pub(super) struct Faulty {
    pub(super) daemon: Daemon,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Faulty {
    pub(super) async fn start(dir: &Path) -> Self {
        Self::try_start(dir, "none").await.expect("valord does not start")
    }

    /// With the order that it begins with.
    pub(super) async fn try_start(dir: &Path, order: &str) -> Result<Self, ExitStatus> {
        let program = command(built("examples/faulty"));
        let mut command = valord_by(program, &dir.join("control.sock"), &dir.join("state"));
        command.arg("--shim").arg(built("valor-shim")).args(["--boot-timeout", "60s"]);
        command.env("VALOR_FAULT", order).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut daemon = Daemon::try_run(command, dir).await?;
        let (orders, answers) = daemon.pipes();
        Ok(Self { daemon, orders, answers: BufReader::new(answers) })
    }

    /// Gives an order; the steps since the one before.
    pub(super) fn order(&mut self, order: &str) -> Vec<String> {
        writeln!(self.orders, "{order}").unwrap();
        let mut steps = String::new();
        self.answers.read_line(&mut steps).unwrap();
        steps.trim().split(", ").filter(|step| !step.is_empty()).map(str::to_owned).collect()
    }

    /// Kills it as the kernel would.
    pub(super) async fn kill(mut self) {
        self.daemon.signal(Signal::SIGKILL);
        self.daemon.end().await;
    }

    /// Ends it gracefully; whether it was killed before.
    pub(super) async fn stop(mut self) -> bool {
        self.daemon.signal(Signal::SIGTERM);
        let status = self.daemon.end().await;
        match status.signal() {
            Some(signal) => assert_eq!(signal, Signal::SIGKILL as i32),
            None => assert_eq!(status.code(), Some(0)),
        }
        status.signal().is_some()
    }
}
