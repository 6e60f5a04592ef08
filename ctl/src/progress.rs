//! What is under way while a plugin is registered, for a person who waits at a terminal: one line, gone when it is over.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::AbortHandle;
use valor_control::v1::EventsRequest;

use crate::commands::Cx;
use crate::connect::Client;
use crate::output::{Format, clean};

/// How often it moves, so that it can be seen that something is going on.
const TICK: Duration = Duration::from_millis(100);

/// Nothing is shown where nobody looks.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    follower: Option<AbortHandle>,
}

/// Counts what is sent.
#[derive(Debug, Clone)]
pub(crate) struct Sent(Option<ProgressBar>);

impl Progress {
    /// Begins with the upload of so many bytes; then valord's events tell which step has begun.
    pub(crate) fn show(cx: &Cx, client: &Client, what: &str, size: u64) -> Self {
        let person = std::io::stderr().is_terminal() && std::io::stdout().is_terminal();
        if !person || cx.globals.quiet || cx.out.format != Format::Table {
            return Self::default();
        }
        let bar = ProgressBar::new(size).with_prefix(clean(what).into_owned());
        bar.set_style(style(if size > 0 { "uploading {bytes} of {total_bytes}" } else { "{msg}" }));
        bar.set_message("sending");
        bar.enable_steady_tick(TICK);
        let follower = tokio::spawn(follow(client.clone(), bar.clone())).abort_handle();
        Self { bar: Some(bar), follower: Some(follower) }
    }

    /// For whoever sends the artifact.
    pub(crate) fn sent(&self) -> Sent {
        Sent(self.bar.clone())
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(follower) = &self.follower {
            follower.abort();
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Sent {
    pub(crate) fn add(&self, bytes: usize) {
        let Some(bar) = &self.0 else { return };
        bar.inc(bytes as u64);
        if Some(bar.position()) == bar.length() {
            step(bar, "inspecting");
        }
    }
}

/// Shows what valord does for this process. Without its events there is less to see, and nothing lost.
async fn follow(mut client: Client, bar: ProgressBar) {
    let request = EventsRequest { tail: Some(0), follow: true, ..EventsRequest::default() };
    let Ok(events) = client.events(request).await else { return };
    let mut events = events.into_inner();
    while let Ok(Some(event)) = events.message().await {
        if event.by.is_some_and(|by| by.pid == std::process::id()) {
            step(&bar, &event.state);
        }
    }
}

fn step(bar: &ProgressBar, name: &str) {
    bar.set_style(style("{msg}"));
    bar.set_message(clean(name).into_owned());
    bar.reset_elapsed();
}

fn style(what: &str) -> ProgressStyle {
    // The templates are the ones above.
    ProgressStyle::with_template(&format!("{{spinner}} {{prefix}}: {what} {{elapsed}}"))
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
}
