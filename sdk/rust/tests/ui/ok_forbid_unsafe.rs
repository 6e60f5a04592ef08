#![forbid(unsafe_code)]
#![deny(warnings, missing_docs)]
//! The strictest author.

use valor::{http, vlugin};

/// Answers.
#[vlugin(name = "strict", net = ["example.org:443"], env = ["TZ"])]
pub async fn on_request(_request: http::Request) -> &'static str {
    "fine"
}

fn main() {}
