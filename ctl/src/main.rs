//! `valorctl`: the command line of `valord`.

#![forbid(unsafe_code)]

mod checked;
mod cli;
mod commands;
mod complete;
mod connect;
mod exit;
mod inspection;
mod output;
mod progress;
mod units;
mod view;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use cli::Cli;
use exit::{Exit, Failure};

fn main() -> ExitCode {
    let cwd = std::env::current_dir().ok();
    match clap_complete::CompleteEnv::with_factory(Cli::command)
        .try_complete(std::env::args_os(), cwd.as_deref())
    {
        Ok(false) => {}
        Ok(true) => return Exit::Ok.into(),
        Err(error) => return usage(&error),
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            // There is nobody left to tell when stderr is gone.
            drop(write!(std::io::stderr(), "{failure}"));
            failure.exit.into()
        }
    }
}

fn run(cli: Cli) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Failed, format!("start: {error}")))?;
    let result = runtime.block_on(commands::run(cli));
    // An upload may still sit in a blocking read of a slow file.
    runtime.shutdown_background();
    result
}

fn usage(error: &clap::Error) -> ExitCode {
    drop(error.print());
    // `--help` and `--version` are no errors.
    if error.use_stderr() { Exit::Usage.into() } else { Exit::Ok.into() }
}
