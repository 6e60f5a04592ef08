//! The command line: what holds for every verb, and the verbs.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    apply, check, completions, diff, disable, drain, enable, events, export, info, inspect, list, logs, man,
    register, reload, replace, restart, routes, unregister, web,
};
use crate::output::Wanted;
use crate::units;

/// Registers and looks after the plugins of a running valord.
#[derive(Debug, Parser)]
#[command(
    name = "valorctl",
    version,
    propagate_version = true,
    after_help = "Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 valord unreachable, 5 refused, 124 timed out"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What every verb understands.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// The control socket of valord [default: the user's, then the system's]
    #[arg(long, global = true, env = "VALOR_CONTROL", value_name = "PATH")]
    pub(crate) control: Option<PathBuf>,
    /// How to print: a table for people, JSON for machines, bare names for scripts; TOML is for export
    #[arg(short, long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: Wanted,
    /// How long to wait for the answer
    #[arg(long, global = true, value_parser = units::duration, default_value = "60s", value_name = "TIME")]
    pub(crate) wait_timeout: Duration,
    /// No colours, even on a terminal
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// No notes, only results and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Register(Box<register::Args>),
    Replace(Box<replace::Args>),
    Unregister(unregister::Args),
    Apply(apply::Args),
    Diff(diff::Args),
    Export(export::Args),
    Reload(reload::Args),
    List(list::Args),
    Inspect(inspect::Args),
    Restart(restart::Args),
    Enable(enable::Args),
    Disable(disable::Args),
    Drain(drain::Args),
    Logs(logs::Args),
    Events(events::Args),
    Routes(routes::Args),
    Web(web::Args),
    Info(info::Args),
    Check(check::Args),
    Completions(completions::Args),
    Man(man::Args),
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use crate::output::{Format, Wanted};

    #[test]
    fn only_a_bundle_is_written_to_a_directory() {
        let read = |line: &str| super::Cli::try_parse_from(line.split(' ')).unwrap();
        for line in ["web bundle -o dist -q", "web bundle -odist", "web bundle --out dist"] {
            assert_eq!(read(&format!("valorctl {line}")).globals.output, Wanted::default(), "{line}");
        }
        for line in
            ["-o json web bundle -o dist", "web bundle -o dist --output json", "web -o json bundle -o dist"]
        {
            assert_eq!(read(&format!("valorctl {line}")).globals.output, Wanted::As(Format::Json), "{line}");
        }
        assert!(super::Cli::try_parse_from(["valorctl", "web", "bundle", "-o"]).is_err());
    }

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
