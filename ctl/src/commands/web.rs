//! `valorctl web`: what is published to browsers.

mod folder;
mod receive;

use std::path::PathBuf;

use clap::{Subcommand, ValueHint};
use serde::Serialize;

use super::Cx;
use crate::connect::Daemon;
use crate::exit::{Exit, Failure};
use crate::output::{Format, Wanted};

/// Look after what is published to browsers
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Bundle(Bundle),
}

/// Write all that is published as static files, for any host
///
/// They are the runtime, the manifest, the files of the plugins, a service worker for the root of the site, `_headers` with what the
/// host should send (as Netlify and Cloudflare Pages read it), and an example index.html if there is none.
#[derive(Debug, clap::Args)]
struct Bundle {
    /// The directory, which is made if it is not there
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: PathBuf,
    /// Also overwrite what an earlier bundle has not written, or somebody has changed since
    #[arg(long)]
    force: bool,
    /// How to print
    // The global option, by its id, without its short name: to every bundler `-o` is the directory.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Global options")]
    output: Wanted,
}

#[derive(Debug, Serialize)]
struct Written {
    dir: String,
    files: Vec<String>,
    removed: Vec<String>,
}

pub(crate) async fn run(cx: &Cx, args: Args) -> Result<Exit, Failure> {
    let Verb::Bundle(Bundle { out, force, .. }) = args.verb;
    let mut daemon = Daemon::connect(&cx.globals).await?;
    let files = receive::all(&mut daemon, cx.globals.wait_timeout).await?;
    if files.is_empty() {
        return Err(Failure::new(Exit::NotFound, "bundle: nothing is published")
            .cure("publish a plugin with `valorctl register FILE --web`"));
    }
    let folder::Changed { files, removed } = folder::write(&out, files, force)?;
    let dir = out.display().to_string();
    match cx.out.format {
        Format::Json => cx.out.document(&Written { dir, files, removed })?,
        Format::Name => files.iter().try_for_each(|file| cx.out.line(file))?,
        Format::Table => cx.out.line(&format!("wrote {} files to {dir}", files.len()))?,
    }
    cx.out.note(
        "let the host send the headers of `_headers`; without them at least text/javascript for .js, application/wasm for .wasm, \
         and no-cache for /sw.js and /_valor/manifest.json",
    );
    Ok(Exit::Ok)
}
