//! `valorctl completions SHELL`: the script that a shell sources.

use clap_complete::env::Shells;

use super::Cx;
use crate::exit::{Exit, Failure};

/// Print the completion script of a shell, for example `source <(valorctl completions bash)`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_parser = ["bash", "elvish", "fish", "powershell", "zsh"])]
    shell: String,
}

pub(crate) fn run(cx: &Cx, args: &Args) -> Result<Exit, Failure> {
    let failed = |error: String| Failure::new(Exit::Failed, format!("completions: {error}"));
    let shells = Shells::builtins();
    let Some(shell) = shells.completer(&args.shell) else {
        return Err(failed(format!("{} is not supported", args.shell)));
    };
    let mut script = Vec::new();
    shell
        .write_registration("COMPLETE", "valorctl", "valorctl", "valorctl", &mut script)
        .map_err(|error| failed(error.to_string()))?;
    cx.out.raw(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Ok)
}
