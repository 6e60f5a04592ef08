//! `valorctl diff -f FILE`: what `apply` would change.

use super::Cx;
use super::plan::{Action, FileArgs, Plan, Step};
use crate::connect::Daemon;
use crate::exit::{Exit, Failure};
use crate::output::Format;
use crate::view;

/// Show what differs from a plugins file; exits with 0 if nothing does, with 1 if something does
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    file: FileArgs,
}

pub(crate) async fn run(cx: &Cx, args: Args) -> Result<Exit, Failure> {
    let mut daemon = Daemon::connect(&cx.globals).await?;
    let Plan { mut steps, failures } = Plan::make(&mut daemon, &args.file).await?;
    steps.retain(|step| step.action != Action::Keep);
    let exit = if steps.is_empty() { Exit::Ok } else { Exit::Failed };
    match cx.out.format {
        Format::Json => {
            let steps: Vec<view::Step> = steps.into_iter().map(|step| step.view(false, None)).collect();
            cx.out.document(&steps)?;
        }
        Format::Name => steps.iter().try_for_each(|step| cx.out.line(&step.name))?,
        Format::Table => steps.iter().try_for_each(|step| print(cx, step))?,
    }
    Failure::all(failures).map_or(Ok(exit), Err)
}

/// The plugin with a sign, and its changes.
fn print(cx: &Cx, step: &Step) -> Result<(), Failure> {
    let sign = match step.action {
        Action::Register => '+',
        Action::Unregister => '-',
        _ => '~',
    };
    let owner = if step.source == "file" { " (belongs to valord's plugins file)" } else { "" };
    cx.out.line(&format!("{sign} {}{owner}", step.name))?;
    step.lines().try_for_each(|line| cx.out.line(&line))
}
