//! `valorctl restart NAME...`: fresh processes, also out of back-off, quarantine and failure, and after `drain`.

use valor_control::v1::RestartRequest;

use super::Cx;
use super::order::{Order, carry_out};
use crate::exit::{Exit, Failure};

/// Start plugins anew, also out of back-off, quarantine and failure; those that serve lose no request
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    order: Order,
}

pub(crate) async fn run(cx: &Cx, args: Args) -> Result<Exit, Failure> {
    carry_out(cx, args.order, "restart", "restarted", async |client, deadline, name, no_wait| {
        let request = deadline.request(RestartRequest { name, no_wait });
        Ok(deadline.answer("restart", client.restart(request)).await?.plugin)
    })
    .await
}
