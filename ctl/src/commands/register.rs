//! `valorctl register FILE`: hands a library to valord, which answers when the plugin does.

mod prompt;
mod publish;
mod spec;
pub(super) mod upload;

use std::path::PathBuf;

use clap::ValueHint;
use valor_control::v1::RegisterResponse;

use self::spec::SpecArgs;
pub(super) use self::spec::{Settings, name};
use super::{Cx, ShimArgs};
use crate::connect::Daemon;
use crate::exit::{Exit, Failure};
use crate::inspection::open;
use crate::output::Format;
use crate::progress::Progress;
use crate::view;

/// Upload a library and serve it below a prefix; returns when it answers
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The library, for example target/release/libhello.so
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,
    #[command(flatten)]
    spec: SpecArgs,
    #[command(flatten)]
    shim: ShimArgs,
}

pub(crate) async fn run(cx: &Cx, args: Args) -> Result<Exit, Failure> {
    let file = open(&args.file)?;
    let (mut spec, web) = args.spec.into_spec(&args.file)?;
    // Before anything is asked of the person: is there somebody to register it with?
    let Daemon { mut client, deadline } = Daemon::connect(&cx.globals).await?;
    web.ask(&spec.file_name, Some(&file))?;
    prompt::ask(&args.shim, &args.file, &mut spec).await?;
    let upload::Digest { file, sha256, size } = upload::digest(file, &args.file).await?;
    (spec.sha256, spec.size) = (sha256, size);

    let progress = Progress::show(cx, &client, &spec.file_name, spec.size);
    let (parts, reading) = upload::stream(spec, Some(file), &progress);
    let answer = deadline.answer("register", client.register(deadline.request(parts))).await;
    drop(progress);
    reading.check(Some(&args.file))?;
    finish(cx, answer?, "register it again with --replace and --grant-requested, or with some of these")
}

/// Tells what came of it; `cure` says how to give what was not given.
pub(super) fn finish(cx: &Cx, answer: RegisterResponse, cure: &str) -> Result<Exit, Failure> {
    let plugin = view::Plugin::from(answer.plugin.unwrap_or_default());
    let not_granted = view::Grants::from(answer.not_granted.unwrap_or_default());
    let missing = not_granted.options();
    let published = (!plugin.web.is_empty()).then(|| plugin.published());
    match cx.out.format {
        Format::Json => {
            cx.out.document(&view::Registered { plugin, replaced: answer.replaced, not_granted })?;
        }
        Format::Name => cx.out.line(&plugin.name)?,
        Format::Table => {
            let verb = if answer.replaced { "replaced" } else { "registered" };
            cx.out.line(&format!("{verb} {} at {} ({})", plugin.name, plugin.prefix, plugin.state))?;
        }
    }
    published.iter().for_each(|said| cx.out.note(said));
    if !missing.is_empty() {
        cx.out.note(&format!("it also wants {}; {cure}", missing.join(" ")));
    }
    Ok(Exit::Ok)
}
