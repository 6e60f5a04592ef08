//! `valorctl events`: what has happened to plugins, and what happens from now on.

use clap_complete::ArgValueCompleter;
use valor_control::v1::{Event, EventsRequest};

use super::Cx;
use crate::connect::Daemon;
use crate::exit::{Exit, Failure};
use crate::output::Format;
use crate::{complete, units, view};

/// Show every change of a plugin's state: when, why, and who asked
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only of these plugins [default: all]
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(complete::names))]
    names: Vec<String>,
    /// Only the last N events
    #[arg(long, short = 'n', value_name = "N")]
    tail: Option<u32>,
    /// Only events from this time on: 10m (ago), or 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = units::since)]
    since: Option<u64>,
    /// Go on with new events until interrupted
    #[arg(long, short)]
    follow: bool,
}

pub(crate) async fn run(cx: &Cx, args: Args) -> Result<Exit, Failure> {
    let Daemon { mut client, deadline } = Daemon::connect(&cx.globals).await?;
    let Args { names, tail, since, follow } = args;
    let request = EventsRequest { names, tail, since_ms: since.unwrap_or(0), follow };
    // To follow has no end, so valord is not told of one.
    let request = if follow { tonic::Request::new(request) } else { deadline.request(request) };
    let mut events = deadline.answer("events", client.events(request)).await?;
    let wait = cx.globals.wait_timeout;
    loop {
        let next = events.message();
        let event = if follow {
            next.await
        } else {
            tokio::time::timeout(wait, next).await.map_err(|_| Failure::timed_out("events", wait))?
        };
        match event {
            Ok(Some(event)) => print(cx, event)?,
            Ok(None) => return Ok(Exit::Ok),
            Err(status) => return Err(Failure::status("events", &status)),
        }
    }
}

fn print(cx: &Cx, event: Event) -> Result<(), Failure> {
    match cx.out.format {
        Format::Json => cx.out.record(&view::Event::from(event)),
        Format::Name if event.missed > 0 => Ok(()),
        Format::Name => cx.out.line(&event.plugin),
        Format::Table => cx.out.line(&text(&event)),
    }
}

/// One line for people.
fn text(event: &Event) -> String {
    let mut line = units::time(event.time_ms);
    if event.missed > 0 {
        return format!("{line} {} events are left out: they came faster than they were read", event.missed);
    }
    let of = if event.plugin.is_empty() { "valord" } else { &event.plugin };
    line.push_str(&format!(" {of}"));
    if let Some(index) = event.instance {
        line.push_str(&format!("/{index}"));
        if event.pid > 0 {
            line.push_str(&format!(" (pid {})", event.pid));
        }
    }
    line.push_str(&format!(" {}: {}", event.state, event.cause));
    if !event.detail.is_empty() {
        line.push_str(&format!(": {}", event.detail));
    }
    if let Some(by) = &event.by {
        line.push_str(&format!(" (by uid {}, pid {})", by.uid, by.pid));
    }
    line
}
