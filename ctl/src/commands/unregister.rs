//! `valorctl unregister NAME...`: stops plugins and forgets them.

use clap_complete::ArgValueCompleter;
use valor_control::v1::UnregisterRequest;

use super::Cx;
use crate::complete;
use crate::connect::Daemon;
use crate::exit::{Exit, Failure};
use crate::output::Format;

/// Stop plugins and forget them
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The plugins
    #[arg(required = true, value_name = "NAME", add = ArgValueCompleter::new(complete::names))]
    names: Vec<String>,
}

pub(crate) async fn run(cx: &Cx, args: Args) -> Result<Exit, Failure> {
    let Daemon { mut client, deadline } = Daemon::connect(&cx.globals).await?;
    let (mut gone, mut failures) = (Vec::new(), Vec::new());
    for name in args.names {
        let request = deadline.request(UnregisterRequest { name: name.clone() });
        match deadline.answer("unregister", client.unregister(request)).await {
            Ok(_) => gone.push(name),
            Err(failure) => failures.push(failure),
        }
    }
    match cx.out.format {
        Format::Json => cx.out.document(&gone)?,
        Format::Name => gone.iter().try_for_each(|name| cx.out.line(name))?,
        Format::Table => gone.iter().try_for_each(|name| cx.out.line(&format!("unregistered {name}")))?,
    }
    // All were tried and each failure is told; the first one decides the exit code.
    Failure::all(failures).map_or(Ok(Exit::Ok), Err)
}
