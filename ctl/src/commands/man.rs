//! `valorctl man DIR`: the manual pages, one for each verb.

use std::path::PathBuf;

use clap::{CommandFactory as _, ValueHint};

use crate::cli::Cli;
use crate::exit::{Exit, Failure};

/// Write the manual pages of valorctl into a directory, to be read with `man -l DIR/valorctl.1`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to; it must be there
    #[arg(value_hint = ValueHint::DirPath)]
    dir: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    match clap_mangen::generate_to(Cli::command(), &args.dir) {
        Ok(()) => Ok(Exit::Ok),
        Err(error) => {
            let cure = "name a directory that is there and that you may write to";
            Err(Failure::new(Exit::Failed, format!("man: {}: {error}", args.dir.display())).cure(cure))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_its_page() {
        let dir = tempfile::tempdir().unwrap();
        run(&Args { dir: dir.path().to_owned() }).unwrap();
        let page = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
        assert!(page("valorctl.1").contains("124 timed out"));
        for verb in Cli::command().get_subcommands() {
            assert!(page(&format!("valorctl-{}.1", verb.get_name())).contains(".TH"));
        }
        let failed = run(&Args { dir: dir.path().join("not-there") }).unwrap_err();
        assert_eq!(failed.exit, Exit::Failed);
    }
}
