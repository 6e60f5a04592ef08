//! `valorctl apply -f FILE`: makes what is registered what the file says.

use valor_control::v1::{DisableRequest, EnableRequest, Plugin, RegisterResponse, UnregisterRequest};

use super::Cx;
use super::moves::{self, Moved};
use super::plan::{Action, FileArgs, Plan, Step};
use super::register::upload;
use crate::connect::Daemon;
use crate::exit::{Exit, Failure};
use crate::inspection::open;
use crate::output::Format;
use crate::progress::Progress;
use crate::view;

/// Register and replace plugins until they are as a file says; what is so already keeps its processes
///
/// One entry that fails does not stop the others: all are told, and the exit code is 1.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    file: FileArgs,
    /// Unregister what the file does not name, but for what valord's own plugins file owns
    #[arg(long)]
    prune: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(cx: &Cx, args: Args) -> Result<Exit, Failure> {
    let mut daemon = Daemon::connect(&cx.globals).await?;
    let Plan { steps, mut failures } = Plan::make(&mut daemon, &args.file).await?;
    let (gone, steps): (Vec<_>, Vec<_>) =
        steps.into_iter().partition(|step| step.action == Action::Unregister && !args.prune);
    if !gone.is_empty() {
        let names: Vec<&str> = gone.iter().map(|step| step.name.as_str()).collect();
        cx.out.note(&format!("not in the file, and left alone without --prune: {}", names.join(", ")));
    }
    let moving = moves::of(&steps);
    let mut views: Vec<view::Step> = Vec::new();
    let mut moved = None;
    for step in steps {
        // What is gone comes first, and has made room.
        if moved.is_none() && step.action != Action::Unregister && !args.dry_run {
            moved = Some(moves::carry_out(&mut daemon, &moving).await);
        }
        let result = match owned(&step) {
            Some(failure) => Err(failure),
            None if args.dry_run => would(cx, &step).map(|()| false),
            None => carry_out(cx, &mut daemon, &step, moved.as_ref()).await.map(|()| true),
        };
        let error = result.as_ref().err().map(|failure| failure.message().to_owned());
        views.push(step.view(*result.as_ref().unwrap_or(&false), error));
        failures.extend(result.err());
    }
    if cx.out.format == Format::Json {
        cx.out.document(&views)?;
    }
    Failure::all(failures).map_or(Ok(Exit::Ok), |failure| Err(failure.exits(Exit::Failed)))
}

/// What belongs to valord's own plugins file is changed there.
fn owned(step: &Step) -> Option<Failure> {
    let owned = step.source == "file" && step.action != Action::Keep;
    owned.then(|| {
        Failure::new(Exit::Refused, format!("{}: belongs to valord's plugins file", step.name))
            .cure("change it there and `valorctl reload`")
    })
}

fn would(cx: &Cx, step: &Step) -> Result<(), Failure> {
    match cx.out.format {
        Format::Table if step.action == Action::Keep => {
            cx.out.line(&format!("{} {}", step.action.done(), step.name))
        }
        Format::Table => {
            cx.out.line(&format!("would {} {}", step.action.as_str(), step.name))?;
            step.lines().try_for_each(|line| cx.out.line(&line))
        }
        Format::Name => cx.out.line(&step.name),
        Format::Json => Ok(()),
    }
}

async fn carry_out(cx: &Cx, daemon: &mut Daemon, step: &Step, moved: Option<&Moved>) -> Result<(), Failure> {
    let place = moved.map_or(Ok(None), |moved| moved.of(&step.name)).map_err(|error| error.at(&step.name))?;
    if let Some(plugin) = place.filter(|_| step.changes.iter().all(|change| change.field == "prefix")) {
        return tell(cx, step, Some(plugin));
    }
    let plugin = ask(cx, daemon, step).await.map_err(|failure| failure.at(&step.name))?;
    tell(cx, step, plugin)
}

/// What is there then, where valord says it.
async fn ask(cx: &Cx, daemon: &mut Daemon, step: &Step) -> Result<Option<Plugin>, Failure> {
    let (deadline, client, name) = (daemon.deadline, &mut daemon.client, step.name.clone());
    match step.action {
        Action::Keep => Ok(None),
        Action::Unregister => {
            let request = deadline.request(UnregisterRequest { name });
            deadline.answer("unregister", client.unregister(request)).await.map(|_| None)
        }
        Action::Enable => {
            let request = deadline.request(EnableRequest { name, no_wait: false });
            Ok(deadline.answer("enable", client.enable(request)).await?.plugin)
        }
        Action::Disable => {
            let request = deadline.request(DisableRequest { name, no_wait: false });
            Ok(deadline.answer("disable", client.disable(request)).await?.plugin)
        }
        Action::Register | Action::Replace => {
            let RegisterResponse { plugin, not_granted, .. } = register(cx, daemon, step).await?;
            let missing = view::Grants::from(not_granted.unwrap_or_default()).options();
            if !missing.is_empty() {
                let cure = "grant some of it in the file, or all with `grant_requested = true`";
                cx.out.note(&format!("{name} also wants {}; {cure}", missing.join(" ")));
            }
            Ok(plugin)
        }
    }
}

/// In the place of whatever has the name.
async fn register(cx: &Cx, daemon: &mut Daemon, step: &Step) -> Result<RegisterResponse, Failure> {
    let mut spec = step.spec.clone();
    spec.replace = true;
    let file = step.file.as_deref().map(open).transpose()?;
    let progress = Progress::show(cx, &daemon.client, &step.name, spec.size);
    let (parts, reading) = upload::stream(spec, file, &progress);
    let deadline = daemon.deadline;
    let answer = deadline.answer("register", daemon.client.register(deadline.request(parts))).await;
    drop(progress);
    reading.check(step.file.as_deref())?;
    answer
}

fn tell(cx: &Cx, step: &Step, plugin: Option<Plugin>) -> Result<(), Failure> {
    let done = step.action.done();
    match (cx.out.format, plugin) {
        (Format::Json, _) => Ok(()),
        (Format::Name, _) => cx.out.line(&step.name),
        (Format::Table, None) => cx.out.line(&format!("{done} {}", step.name)),
        (Format::Table, Some(plugin)) => {
            cx.out.line(&format!("{done} {} at {} ({})", plugin.name, plugin.prefix, plugin.state))
        }
    }
}
