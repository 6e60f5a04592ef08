//! `valorctl logs NAME`: what a plugin wrote, and what it writes from now on.

use std::time::Duration;

use clap_complete::ArgValueCompleter;
use valor_control::v1::{LogLine, LogsRequest};

use super::Cx;
use crate::connect::Daemon;
use crate::exit::{Exit, Failure};
use crate::output::Format;
use crate::{complete, units, view};

/// The most that valord keeps of one plugin's lines, and much more, in bytes.
const MAX_KEPT: usize = 16 << 20;

/// Show what a plugin wrote to its log, stdout and stderr
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The plugin
    #[arg(add = ArgValueCompleter::new(complete::names))]
    name: String,
    /// Only the last N lines
    #[arg(long, short = 'n', value_name = "N")]
    tail: Option<u32>,
    /// Only lines from this time on: 10m (ago), or 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = units::since)]
    since: Option<u64>,
    /// Go on with new lines until interrupted
    #[arg(long, short)]
    follow: bool,
}

pub(crate) async fn run(cx: &Cx, args: Args) -> Result<Exit, Failure> {
    let Daemon { mut client, deadline } = Daemon::connect(&cx.globals).await?;
    let request = LogsRequest {
        name: args.name,
        tail: args.tail,
        since_ms: args.since.unwrap_or(0),
        follow: args.follow,
    };
    // To follow has no end, so valord is not told of one.
    let request = if args.follow { tonic::Request::new(request) } else { deadline.request(request) };
    let mut lines = deadline.answer("logs", client.logs(request)).await?;
    let wait = cx.globals.wait_timeout;
    let mut room = MAX_KEPT;
    loop {
        let line = if args.follow { lines.message().await } else { next_within(&mut lines, wait).await? };
        match line {
            Ok(Some(line)) => {
                if !args.follow {
                    room = room.checked_sub(line.message.len() + 64).ok_or_else(endless)?;
                }
                print(cx, line)?;
            }
            Ok(None) => return Ok(Exit::Ok),
            Err(status) => return Err(Failure::status("logs", &status)),
        }
    }
}

fn endless() -> Failure {
    Failure::new(Exit::Failed, "logs: valord sends more than it can have kept")
        .cure("is this valord's control socket? see --control; to go on with new lines use --follow")
}

async fn next_within(
    lines: &mut tonic::Streaming<LogLine>,
    wait: Duration,
) -> Result<Result<Option<LogLine>, tonic::Status>, Failure> {
    tokio::time::timeout(wait, lines.message()).await.map_err(|_| Failure::timed_out("logs", wait))
}

fn print(cx: &Cx, line: LogLine) -> Result<(), Failure> {
    match cx.out.format {
        Format::Json => cx.out.record(&view::LogLine::from(line)),
        Format::Name => cx.out.line(&line.message),
        Format::Table => cx.out.line(&text(&line)),
    }
}

/// One line for people.
pub(super) fn text(line: &LogLine) -> String {
    let mut parts = vec![units::time(line.time_ms), line.stream.clone()];
    parts.extend([&line.level, &line.target].into_iter().filter(|part| !part.is_empty()).cloned());
    format!("{}: {}", parts.join(" "), line.message)
}
