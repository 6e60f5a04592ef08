//! Libraries that honest plugins bring, each doing what it is for. One route each, by name.

#![cfg_attr(not(test), expect(clippy::wildcard_imports, reason = "as authors write it"))]

mod backtraces;
mod files;
mod pool;
mod resolver;
mod runtime;
mod sqlite;
mod temporary;
mod threads;

use std::error::Error;
use std::path::Path;

use valor::*;

/// What a program says when something did not work.
pub type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// One program: its name, and what it does in a directory that it may write to.
pub type Program = (&'static str, fn(&Path) -> Outcome);

/// All programs.
pub const PROGRAMS: &[Program] = &[
    ("backtraces", backtraces::run),
    ("files", files::run),
    ("pool", pool::run),
    ("resolver", resolver::run),
    ("runtime", runtime::run),
    ("sqlite", sqlite::run),
    ("temporary", temporary::run),
    ("threads", threads::run),
];

/// Runs the program that the path names, in the plugin's own directory; or tells its environment.
#[vlugin]
pub async fn on_request(request: http::Request) -> http::Result<http::Response> {
    if request.uri().path() == "/environment" {
        let mut variables: Vec<_> =
            std::env::vars().map(|(name, value)| format!("{name}={value}\n")).collect();
        variables.sort_unstable();
        return Ok(variables.concat().into());
    }
    let name = request.uri().path().trim_start_matches('/').to_owned();
    let Some((_, run)) = PROGRAMS.iter().find(|(program, _)| *program == name) else {
        let names: Vec<_> = PROGRAMS.iter().map(|(name, _)| *name).collect();
        return Ok(names.join("\n").into());
    };
    let done = tokio::task::spawn_blocking(|| run(Path::new("."))).await?;
    match done {
        Ok(()) => Ok("done".into()),
        Err(error) => Err(http::Error::from_str(http::StatusCode::InternalServerError, error.to_string())),
    }
}

/// Fails unless it holds.
fn check(holds: bool, what: &str) -> Outcome {
    if holds { Ok(()) } else { Err(what.into()) }
}
