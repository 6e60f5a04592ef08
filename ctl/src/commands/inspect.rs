//! `valorctl inspect NAME`: everything that is known of one plugin.

use clap_complete::ArgValueCompleter;
use valor_control::v1::{InspectRequest, InspectResponse, Instance, Layer, Limits};

use super::{Cx, logs};
use crate::connect::Daemon;
use crate::exit::{Exit, Failure};
use crate::output::{Format, Table};
use crate::{complete, units, view};

/// Show everything about one plugin: state, limits, grants, sandbox, last log lines
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The plugin
    #[arg(add = ArgValueCompleter::new(complete::names))]
    name: String,
}

pub(crate) async fn run(cx: &Cx, args: Args) -> Result<Exit, Failure> {
    let Daemon { mut client, deadline } = Daemon::connect(&cx.globals).await?;
    let request = deadline.request(InspectRequest { name: args.name });
    let detail = deadline.answer("inspect", client.inspect(request)).await?;
    match cx.out.format {
        Format::Json => cx.out.document(&view::Detail::from(detail))?,
        Format::Name => cx.out.line(&detail.plugin.unwrap_or_default().name)?,
        Format::Table => tables(cx, detail)?,
    }
    Ok(Exit::Ok)
}

fn tables(cx: &Cx, detail: InspectResponse) -> Result<(), Failure> {
    let plugin = detail.plugin.unwrap_or_default();
    let mut facts = Table::default();
    facts.row(["name:".into(), [plugin.name, plugin.version].join(" ").trim().to_owned()]);
    facts.row(["prefix:".into(), plugin.prefix]);
    facts.row(["state:".into(), format!("{} for {}", plugin.state, units::age(plugin.since_ms))]);
    if !plugin.reason.is_empty() {
        facts.row(["reason:".into(), plugin.reason]);
    }
    facts.row(["artifact:".into(), format!("{} sha256:{}", plugin.kind, plugin.sha256)]);
    facts.row(["source:".into(), plugin.source]);
    facts.row([
        "requests:".into(),
        format!("{} ({} errors, {} in flight)", plugin.requests, plugin.errors, plugin.in_flight),
    ]);
    let restarts = format!("{} ({} out of memory)", plugin.restarts, plugin.out_of_memory);
    facts.row(["restarts:".into(), restarts]);
    if !detail.engine.is_empty() {
        facts.row(["engine:".into(), detail.engine]);
    }
    if !detail.probe.is_empty() {
        facts.row(["probe:".into(), format!("GET {}", detail.probe)]);
    }
    facts.row(["limits:".into(), limits(&detail.limits.unwrap_or_default())]);
    let grants = view::Grants::from(detail.grants.unwrap_or_default()).options();
    facts.row(["grants:".into(), if grants.is_empty() { "none".into() } else { grants.join(" ") }]);
    facts.row(["config:".into(), detail.config]);
    if let Some(web) = detail.web {
        facts.row(["web:".into(), format!("{} (public)", web.mode)]);
        facts.row(["web config:".into(), web.config]);
    }
    cx.out.table(&facts)?;

    if !detail.instances.is_empty() {
        cx.out.line("")?;
        cx.out.table(&instances(detail.instances))?;
    }
    if !detail.sandbox.is_empty() {
        cx.out.line("")?;
        cx.out.table(&layers(detail.sandbox))?;
    }
    if !detail.log.is_empty() {
        cx.out.line("")?;
        cx.out.line("last log lines:")?;
        detail.log.iter().try_for_each(|line| cx.out.line(&logs::text(line)))?;
    }
    Ok(())
}

fn limits(l: &Limits) -> String {
    let ms = |ms: u32| match ms {
        0 => "none".to_owned(),
        ms => format!("{:?}", std::time::Duration::from_millis(ms.into())),
    };
    format!(
        "timeout {}, idle {}, total {}, concurrency {}, queue {}, instances {}, memory {}, cpu {}, pids {}, body {}",
        ms(l.timeout_ms),
        ms(l.idle_timeout_ms),
        ms(l.total_timeout_ms()),
        l.concurrency,
        l.queue(),
        l.instances,
        units::bytes(l.memory),
        units::cores(l.cpu_milli),
        l.pids,
        units::bytes(l.max_body())
    )
}

fn instances(instances: Vec<Instance>) -> Table {
    let mut table = Table::with_header(&[
        "INSTANCE",
        "GENERATION",
        "PID",
        "STATE",
        "RESTARTS",
        "STARTED",
        "SDK",
        "REASON",
    ]);
    for i in instances {
        let pid = if i.pid == 0 { String::new() } else { i.pid.to_string() };
        table.row([
            i.index.to_string(),
            i.generation.to_string(),
            pid,
            i.state,
            i.restarts.to_string(),
            if i.started_ms == 0 { String::new() } else { units::time(i.started_ms) },
            i.sdk,
            i.reason,
        ]);
    }
    table
}

/// The layers of a sandbox, as `info` shows them too.
pub(super) fn layers(layers: Vec<Layer>) -> Table {
    let mut table = Table::with_header(&["LAYER", "STATUS", "CHECKED", "REASON"]);
    for l in layers {
        let checked = if l.verified { "verified" } else { "reported" };
        table.row([l.layer, l.status, checked.into(), l.reason]);
    }
    table
}
