//! `valorctl replace NAME [FILE]`: another artifact, other settings, or both; what is not named stays as it was.

use std::path::PathBuf;

use clap::ValueHint;
use clap_complete::ArgValueCompleter;
use valor_control::v1::{InspectRequest, ReplaceSpec};

use super::register::{Settings, finish, upload};
use super::{Cx, register};
use crate::complete;
use crate::connect::Daemon;
use crate::exit::{Exit, Failure};
use crate::inspection::open;
use crate::progress::Progress;

/// Change a plugin while it serves: another library, other settings, or both; what is not named stays as it was
///
/// The new processes are started beside the old ones and take over as a whole when all of them answer; no request is lost. On
/// any failure the old ones keep serving.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The plugin
    #[arg(add = ArgValueCompleter::new(complete::names), value_parser = register::name)]
    name: String,
    /// The new library [default: the one that it has]
    #[arg(value_hint = ValueHint::FilePath)]
    file: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
    /// Take away all grants that it has, before those that are named here are given
    #[arg(long, help_heading = "Grants")]
    no_grants: bool,
    /// Publish it no more
    #[arg(long, conflicts_with = "web", help_heading = "Browsers")]
    no_web: bool,
    /// No probe any more
    #[arg(long, conflicts_with = "probe")]
    no_probe: bool,
}

pub(crate) async fn run(cx: &Cx, args: Args) -> Result<Exit, Failure> {
    let Args { name, file: path, settings, no_grants, no_web, no_probe } = args;
    let mut file = path.as_deref().map(open).transpose()?;
    let probe = if no_probe { Some(String::new()) } else { settings.probe() };
    let web = settings.web.clone();
    let mut spec = ReplaceSpec { name, no_grants, no_web, probe, ..settings.into_change()? };
    let Daemon { mut client, deadline } = Daemon::connect(&cx.globals).await?;
    web.ask(&spec.name, file.as_ref())?;
    if let (Some(path), false) = (&path, no_web) {
        let request = deadline.request(InspectRequest { name: spec.name.clone() });
        let now = deadline.answer("inspect", client.inspect(request)).await?.plugin.unwrap_or_default();
        web.ask_again(&spec.name, &path.display().to_string(), &now.web)?;
    }
    if let (Some(opened), Some(path)) = (file.take(), &path) {
        spec.file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let digest = upload::digest(opened, path).await?;
        (file, spec.sha256, spec.size) = (Some(digest.file), digest.sha256, digest.size);
    }
    let progress = Progress::show(cx, &client, &spec.name, spec.size);
    let (parts, reading) = upload::stream(spec, file, &progress);
    let answer = deadline.answer("replace", client.replace(deadline.request(parts))).await;
    drop(progress);
    reading.check(path.as_deref())?;
    finish(cx, answer?, "replace it again with --grant-requested, or with some of these")
}
