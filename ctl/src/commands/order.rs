//! What `restart`, `enable`, `disable` and `drain` have in common: names, and whether to wait.

use clap::ArgAction;
use clap_complete::ArgValueCompleter;
use valor_control::v1;

use super::Cx;
use crate::connect::{Client, Daemon, Deadline};
use crate::exit::{Exit, Failure};
use crate::output::Format;
use crate::{complete, view};

/// Which plugins, and whether to wait.
#[derive(Debug, clap::Args)]
pub(crate) struct Order {
    /// The plugins
    #[arg(required = true, value_name = "NAME", add = ArgValueCompleter::new(complete::names))]
    names: Vec<String>,
    /// Return when it is done; with --wait=false as soon as valord has accepted it
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_value_t = true,
        default_missing_value = "true",
        action = ArgAction::Set
    )]
    wait: bool,
}

/// Asks for each plugin in turn; one that fails does not keep the others. `done` is what is said of those that are.
pub(super) async fn carry_out(
    cx: &Cx,
    order: Order,
    verb: &str,
    done: &str,
    call: impl AsyncFn(&mut Client, Deadline, String, bool) -> Result<Option<v1::Plugin>, Failure>,
) -> Result<Exit, Failure> {
    let Daemon { mut client, deadline } = Daemon::connect(&cx.globals).await?;
    let (mut plugins, mut failures) = (Vec::new(), Vec::new());
    let single = order.names.len() == 1;
    for name in order.names {
        match call(&mut client, deadline, name, !order.wait).await {
            Ok(plugin) => plugins.push(plugin.unwrap_or_default()),
            Err(failure) => failures.push(failure),
        }
    }
    match cx.out.format {
        Format::Json if single => {
            plugins.into_iter().try_for_each(|one| cx.out.document(&view::Plugin::from(one)))?;
        }
        Format::Json => cx.out.document(&plugins.into_iter().map(view::Plugin::from).collect::<Vec<_>>())?,
        Format::Name => plugins.iter().try_for_each(|plugin| cx.out.line(&plugin.name))?,
        Format::Table => plugins.iter().try_for_each(|plugin| {
            let said = if order.wait { done.to_owned() } else { format!("{verb} accepted:") };
            cx.out.line(&format!("{said} {} ({})", plugin.name, plugin.state))
        })?,
    }
    // All were tried and each failure is told; the first one decides the exit code.
    Failure::all(failures).map_or(Ok(Exit::Ok), Err)
}
