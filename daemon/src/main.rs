//! `valord`: serves plugins, each in a sandboxed process of its own, under one HTTP API.

#![forbid(unsafe_code)]

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use valord::config::{self, Cli, Config, Environment};
use valord::store::Disk;
use valord::{app, logging, sys};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// For what is being read or written when valord ends.
const LAST_WORK: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    match serve(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when this fails.
            let _written = writeln!(std::io::stderr(), "valord: {}", told(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes, but for those that an error before them has told already.
fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        text if text.contains(&cause) => told,
        text => format!("{text}: {cause}"),
    })
}

fn serve(cli: Cli) -> anyhow::Result<()> {
    if cli.config_schema {
        return writeln!(std::io::stdout(), "{}", config::schema()).context("cannot write the schema");
    }
    if cli.plugins_schema {
        let schema = valor_control::plugins::schema();
        return writeln!(std::io::stdout(), "{schema}").context("cannot write the schema");
    }
    if let Some(dir) = cli.man {
        return config::write_manual(&dir)
            .with_context(|| format!("cannot write the manual to {}", dir.display()));
    }
    let config = Config::load(cli, &Environment::of_process(sys::users::own_uid() == 0))?;
    logging::init(config.log_format)?;
    // Data workers have threads of their own; this one accepts, supervises, and serves the control API.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the control runtime")?;
    let result = runtime.block_on(app::run(config, Disk::default()));
    // No thread should be at work when the process ends; but a hung disk must not hold up the exit.
    runtime.shutdown_timeout(LAST_WORK);
    result
}
