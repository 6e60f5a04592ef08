//! `valorctl drain NAME...`: stopped for now.

use valor_control::v1::DrainRequest;

use super::Cx;
use super::order::{Order, carry_out};
use crate::exit::{Exit, Failure};

/// Finish what is in flight and stop plugins, until they are restarted or enabled or valord is started again
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    order: Order,
}

pub(crate) async fn run(cx: &Cx, args: Args) -> Result<Exit, Failure> {
    carry_out(cx, args.order, "drain", "drained", async |client, deadline, name, no_wait| {
        let request = deadline.request(DrainRequest { name, no_wait });
        Ok(deadline.answer("drain", client.drain(request)).await?.plugin)
    })
    .await
}
