//! `valorctl reload`: has valord read its plugins file again.

use valor_control::v1::{ReloadRequest, Reloaded};

use super::Cx;
use crate::connect::Daemon;
use crate::exit::{Exit, Failure};
use crate::output::Format;
use crate::view;

/// Have valord read its plugins file again and change what differs; returns when all of it answers
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) async fn run(cx: &Cx, _args: Args) -> Result<Exit, Failure> {
    let Daemon { mut client, deadline } = Daemon::connect(&cx.globals).await?;
    let answer = deadline.answer("reload", client.reload(deadline.request(ReloadRequest {}))).await?;
    if answer.file.is_empty() {
        cx.out.note("valord has no plugins file: start it with --plugins FILE, or `plugins` in valord.toml");
    }
    if !answer.restart.is_empty() {
        cx.out.note(&format!("a restart of valord is needed for valord.toml: {}", answer.restart.join(", ")));
    }
    let failed = |plugin: &&Reloaded| !plugin.error.is_empty();
    let failure = |plugin: &Reloaded| {
        let name = if plugin.name.is_empty() { "an entry" } else { &plugin.name };
        Failure::new(Exit::Failed, format!("{}: {}", name, plugin.error))
    };
    let failures: Vec<_> = answer.plugins.iter().filter(failed).map(failure).collect();
    let mut done = answer.plugins.iter().filter(|plugin| plugin.error.is_empty());
    match cx.out.format {
        Format::Json => cx.out.document(&view::Reload::from(answer))?,
        Format::Name => done.try_for_each(|plugin| cx.out.line(&plugin.name))?,
        Format::Table => done.try_for_each(|plugin| {
            let done = match plugin.action.as_str() {
                "register" => "registered",
                "replace" => "replaced",
                "enable" => "enabled",
                "disable" => "disabled",
                "unregister" => "unregistered",
                _ => "unchanged",
            };
            cx.out.line(&format!("{done} {}", plugin.name))
        })?,
    }
    Failure::all(failures).map_or(Ok(Exit::Ok), Err)
}
