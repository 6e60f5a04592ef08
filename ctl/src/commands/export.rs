//! `valorctl export`: what is registered, as a plugins file.

use clap_complete::ArgValueCompleter;
use valor_control::plugins::{Entry, to_json, to_toml};
use valor_control::v1::{ExportRequest, ListRequest};

use super::Cx;
use crate::complete;
use crate::connect::Daemon;
use crate::exit::{Exit, Failure};
use crate::output::{Format, is_plain};

/// Write what is registered as a plugins file, in TOML or with -o json; `apply` of it changes nothing
///
/// Artifacts are named by their hash: valord keeps them, elsewhere they must lie where `path` says. Values of granted environment
/// variables are written, too.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The plugins [default: all but those that valord's own plugins file owns]
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(complete::names))]
    names: Vec<String>,
}

pub(crate) async fn run(cx: &Cx, args: Args) -> Result<Exit, Failure> {
    let Daemon { mut client, deadline } = Daemon::connect(&cx.globals).await?;
    let mut names = args.names;
    if names.is_empty() {
        let listed = deadline.answer("list", client.list(deadline.request(ListRequest {}))).await?;
        let ours = listed.plugins.into_iter().filter(|plugin| plugin.source == "api");
        names = ours.map(|plugin| plugin.name).collect();
    }
    let (mut entries, mut failures) = (Vec::new(), Vec::new());
    for name in names {
        let request = deadline.request(ExportRequest { name: name.clone() });
        match deadline.answer("export", client.export(request)).await {
            Ok(answer) => entries.push(Entry::from(answer.spec.unwrap_or_default())),
            Err(failure) => failures.push(failure.at(&name)),
        }
    }
    match cx.out.format {
        Format::Json => cx.out.document(&to_json(&entries))?,
        Format::Name => entries.iter().try_for_each(|entry| cx.out.line(&entry.name))?,
        Format::Table => {
            let text = to_toml(&entries).ok().filter(|text| is_plain(text)).ok_or_else(|| {
                Failure::new(Exit::Failed, "export: there is text that TOML cannot show on a terminal")
                    .cure("write JSON with -o json")
            })?;
            cx.out.raw(&text)?;
        }
    }
    // All were tried and each failure is told; the first one decides the exit code.
    Failure::all(failures).map_or(Ok(Exit::Ok), Err)
}
