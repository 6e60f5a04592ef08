//! On a terminal: what the manifest wants is shown, and granted only by a yes.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;

use valor_control::v1::PluginSpec;

use crate::commands::ShimArgs;
use crate::exit::Failure;
use crate::inspection::{find_shim, inspect, open};
use crate::output::clean;
use crate::view::Grants;

/// Asks, where there is somebody to ask, whether the manifest's wishes shall be granted.
pub(super) async fn ask(shim: &ShimArgs, file: &Path, spec: &mut PluginSpec) -> Result<(), Failure> {
    let person = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if spec.grant_requested || !person {
        return Ok(());
    }
    // Without a shim here, or with one that fails, valord looks itself and its answer names what was not granted.
    let file = open(file)?;
    let shim = match (&shim.shim, find_shim(shim.shim.as_deref(), &file)) {
        (_, Ok(shim)) => shim,
        (None, Err(_)) => return Ok(()),
        (Some(_), Err(failure)) => return Err(failure),
    };
    let Ok(inspection) = inspect(&shim, file).await else {
        return Ok(());
    };
    let missing = without(inspection.wanted(), spec);
    if missing.is_empty() {
        return Ok(());
    }
    let mut err = std::io::stderr().lock();
    drop(writeln!(err, "{} wants:", clean(&spec.file_name)));
    for option in missing {
        drop(writeln!(err, "  {}", clean(&option)));
    }
    drop(write!(err, "grant? [y/N] ").and_then(|()| err.flush()));
    let mut answer = String::new();
    // An end of input is a no.
    drop(std::io::stdin().lock().read_line(&mut answer));
    spec.grant_requested = matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
    Ok(())
}

/// What is wanted and not given by options already.
fn without(mut wanted: Grants, spec: &PluginSpec) -> Vec<String> {
    if let Some(given) = &spec.grants {
        let name = |env: &String| env.split('=').next().unwrap_or_default().to_owned();
        let names: Vec<String> = given.env.iter().map(name).collect();
        wanted.net.retain(|item| !given.net.contains(item));
        wanted.read.retain(|item| !given.read.contains(item));
        wanted.write.retain(|item| !given.write.contains(item));
        wanted.env.retain(|item| !names.contains(&name(item)));
    }
    wanted.options()
}
