//! One verb, one file.

pub(crate) mod apply;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod diff;
pub(crate) mod disable;
pub(crate) mod drain;
pub(crate) mod enable;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod info;
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod man;
mod moves;
mod order;
mod plan;
pub(crate) mod register;
pub(crate) mod reload;
pub(crate) mod replace;
pub(crate) mod restart;
pub(crate) mod routes;
pub(crate) mod unregister;
pub(crate) mod web;

use std::path::PathBuf;

use crate::cli::{Cli, Globals, Verb};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Wanted};

/// What every verb gets besides its own arguments.
#[derive(Debug)]
pub(crate) struct Cx {
    pub(crate) globals: Globals,
    pub(crate) out: Output,
}

/// Which shim looks at a library.
#[derive(Debug, clap::Args)]
pub(crate) struct ShimArgs {
    /// The shim that looks at the file [default: that of its kind beside valorctl, then in /usr/libexec/valor]
    #[arg(long, value_name = "PATH")]
    pub(crate) shim: Option<PathBuf>,
}

/// Does what was asked.
pub(crate) async fn run(cli: Cli) -> Result<Exit, Failure> {
    let out = Output::new(&cli.globals);
    if cli.globals.output == Wanted::Toml && !matches!(cli.verb, Verb::Export(_)) {
        return Err(Failure::new(Exit::Usage, "output: only export writes TOML").cure("-o json"));
    }
    let cx = Cx { globals: cli.globals, out };
    match cli.verb {
        Verb::Register(args) => Box::pin(register::run(&cx, *args)).await,
        Verb::Replace(args) => Box::pin(replace::run(&cx, *args)).await,
        Verb::Unregister(args) => unregister::run(&cx, args).await,
        Verb::Apply(args) => Box::pin(apply::run(&cx, args)).await,
        Verb::Diff(args) => Box::pin(diff::run(&cx, args)).await,
        Verb::Export(args) => export::run(&cx, args).await,
        Verb::Reload(args) => reload::run(&cx, args).await,
        Verb::List(args) => list::run(&cx, args).await,
        Verb::Inspect(args) => inspect::run(&cx, args).await,
        Verb::Restart(args) => restart::run(&cx, args).await,
        Verb::Enable(args) => enable::run(&cx, args).await,
        Verb::Disable(args) => disable::run(&cx, args).await,
        Verb::Drain(args) => drain::run(&cx, args).await,
        Verb::Events(args) => events::run(&cx, args).await,
        Verb::Logs(args) => logs::run(&cx, args).await,
        Verb::Routes(args) => routes::run(&cx, args).await,
        Verb::Info(args) => info::run(&cx, args).await,
        Verb::Web(args) => web::run(&cx, args).await,
        Verb::Check(args) => check::run(&cx, args).await,
        Verb::Completions(args) => completions::run(&cx, &args),
        Verb::Man(args) => man::run(&args),
    }
}
