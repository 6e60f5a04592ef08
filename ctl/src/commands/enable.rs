//! `valorctl enable NAME...`: brings back what was disabled or drained.

use valor_control::v1::EnableRequest;

use super::Cx;
use super::order::{Order, carry_out};
use crate::exit::{Exit, Failure};

/// Bring back plugins that were disabled or drained; returns when they answer
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    order: Order,
}

pub(crate) async fn run(cx: &Cx, args: Args) -> Result<Exit, Failure> {
    carry_out(cx, args.order, "enable", "enabled", async |client, deadline, name, no_wait| {
        let request = deadline.request(EnableRequest { name, no_wait });
        Ok(deadline.answer("enable", client.enable(request)).await?.plugin)
    })
    .await
}
