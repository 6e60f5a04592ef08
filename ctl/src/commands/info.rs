//! `valorctl info`: the daemon itself, and what its host lends to sandboxes.

use valor_control::v1::InfoRequest;

use super::Cx;
use crate::connect::Daemon;
use crate::exit::{Exit, Failure};
use crate::output::{Format, Table};
use crate::{units, view};

/// Show valord itself and what this host lends to sandboxes
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) async fn run(cx: &Cx, _args: Args) -> Result<Exit, Failure> {
    let Daemon { mut client, deadline } = Daemon::connect(&cx.globals).await?;
    let info = deadline.answer("info", client.info(deadline.request(InfoRequest {}))).await?;
    match cx.out.format {
        Format::Json => cx.out.document(&view::Info::from(info))?,
        Format::Name => cx.out.line(&info.version)?,
        Format::Table => {
            let mut facts = Table::default();
            facts.row(["version:".into(), info.version]);
            facts.row(["protocol:".into(), format!("wire {}, abi {}", info.protocol, info.abi)]);
            facts.row(["pid:".into(), info.pid.to_string()]);
            facts.row(["started:".into(), units::time(info.started_ms)]);
            facts.row(["listen:".into(), info.listen.join(", ")]);
            facts.row(["control:".into(), info.control]);
            facts.row(["state:".into(), info.state_dir]);
            facts.row(["workers:".into(), info.workers.to_string()]);
            facts.row(["plugins:".into(), info.plugins.to_string()]);
            facts.row(["policy:".into(), info.policy.join(", ")]);
            cx.out.table(&facts)?;
            if !info.sandbox.is_empty() {
                cx.out.line("")?;
                cx.out.table(&super::inspect::layers(info.sandbox))?;
            }
        }
    }
    Ok(Exit::Ok)
}
