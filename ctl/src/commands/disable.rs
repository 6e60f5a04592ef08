//! `valorctl disable NAME...`: stopped until it is enabled.

use valor_control::v1::DisableRequest;

use super::Cx;
use super::order::{Order, carry_out};
use crate::exit::{Exit, Failure};

/// Finish what is in flight, stop plugins, and keep them so, also when valord is started again
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    order: Order,
}

pub(crate) async fn run(cx: &Cx, args: Args) -> Result<Exit, Failure> {
    carry_out(cx, args.order, "disable", "disabled", async |client, deadline, name, no_wait| {
        let request = deadline.request(DisableRequest { name, no_wait });
        Ok(deadline.answer("disable", client.disable(request)).await?.plugin)
    })
    .await
}
