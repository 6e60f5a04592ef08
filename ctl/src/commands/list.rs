//! `valorctl list`: all plugins.

use valor_control::v1::ListRequest;

use super::Cx;
use crate::connect::Daemon;
use crate::exit::{Exit, Failure};
use crate::output::{Format, Table};
use crate::{units, view};

/// List the plugins
#[derive(Debug, clap::Args)]
#[command(visible_alias = "ls")]
pub(crate) struct Args {}

pub(crate) async fn run(cx: &Cx, _args: Args) -> Result<Exit, Failure> {
    let Daemon { mut client, deadline } = Daemon::connect(&cx.globals).await?;
    let plugins = deadline.answer("list", client.list(deadline.request(ListRequest {}))).await?.plugins;
    match cx.out.format {
        Format::Json => cx.out.document(&plugins.into_iter().map(view::Plugin::from).collect::<Vec<_>>())?,
        Format::Name => plugins.iter().try_for_each(|plugin| cx.out.line(&plugin.name))?,
        Format::Table => {
            let mut table = Table::with_header(&[
                "NAME", "KIND", "PREFIX", "STATE", "READY", "RESTARTS", "REQUESTS", "SINCE", "SOURCE", "WEB",
            ]);
            for p in plugins {
                let ready = format!("{}/{}", p.ready, p.wanted);
                let counts = [
                    ready,
                    p.restarts.to_string(),
                    p.requests.to_string(),
                    units::age(p.since_ms),
                    p.source,
                    p.web,
                ];
                table.row([p.name, p.kind, p.prefix, p.state].into_iter().chain(counts));
            }
            cx.out.table(&table)?;
        }
    }
    Ok(Exit::Ok)
}
