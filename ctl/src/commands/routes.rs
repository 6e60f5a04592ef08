//! `valorctl routes`: who answers which path.

use valor_control::v1::RoutesRequest;

use super::Cx;
use crate::connect::Daemon;
use crate::exit::{Exit, Failure};
use crate::output::{Format, Table};
use crate::view;

/// Show the routing table, longest prefix first
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) async fn run(cx: &Cx, _args: Args) -> Result<Exit, Failure> {
    let Daemon { mut client, deadline } = Daemon::connect(&cx.globals).await?;
    let routes = deadline.answer("routes", client.routes(deadline.request(RoutesRequest {}))).await?.routes;
    match cx.out.format {
        Format::Json => cx.out.document(&routes.into_iter().map(view::Route::from).collect::<Vec<_>>())?,
        Format::Name => routes.iter().try_for_each(|route| cx.out.line(&route.prefix))?,
        Format::Table => {
            let mut table = Table::with_header(&["PREFIX", "PLUGIN", "STATE"]);
            routes.into_iter().for_each(|r| table.row([r.prefix, r.plugin, r.state]));
            cx.out.table(&table)?;
        }
    }
    Ok(Exit::Ok)
}
