//! `valorctl check FILE`: would it load here? Without a daemon, and without running it.

use std::path::PathBuf;

use clap::ValueHint;
use serde::Serialize;
use valor_control::kind::in_file;

use super::{Cx, ShimArgs};
use crate::exit::{Exit, Failure};
use crate::inspection::{Inspection, find_shim, inspect, open};
use crate::output::{Format, Table};

/// Look at a library without running it: what it is, what it wants, whether it can load here
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The library
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,
    #[command(flatten)]
    shim: ShimArgs,
}

#[derive(Debug, Serialize)]
struct Checked {
    file: String,
    ok: bool,
    #[serde(flatten)]
    inspection: Inspection,
}

pub(crate) async fn run(cx: &Cx, args: Args) -> Result<Exit, Failure> {
    let file = open(&args.file)?;
    let shim = find_shim(args.shim.shim.as_deref(), &file)?;
    let mut inspection = inspect(&shim, file).await?;
    if let Some(problem) = &mut inspection.problem {
        let name = args.file.file_name().unwrap_or_default().to_string_lossy();
        problem.message = in_file(&problem.message, &name);
    }
    let file = args.file.display().to_string();
    let ok = inspection.problem.is_none();
    match cx.out.format {
        Format::Json => {
            cx.out.document(&Checked { file, ok, inspection })?;
            return Ok(if ok { Exit::Ok } else { Exit::Failed });
        }
        Format::Name => cx.out.line(inspection.text("name"))?,
        Format::Table => cx.out.table(&facts(&file, &inspection))?,
    }
    match inspection.problem {
        None => Ok(Exit::Ok),
        Some(problem) => {
            let failure = Failure::new(Exit::Failed, format!("{}: {}", problem.step, problem.message));
            Err(if problem.cure.is_empty() { failure } else { failure.cure(problem.cure) })
        }
    }
}

fn facts(file: &str, inspection: &Inspection) -> Table {
    let mut table = Table::default();
    table.row(["file:", file]);
    table.row(["kind:".to_owned(), format!("{} {}", inspection.kind, inspection.arch).trim().to_owned()]);
    if inspection.manifest.is_some() {
        let (name, version) = (inspection.text("name"), inspection.text("version"));
        table.row(["name:".to_owned(), format!("{name} {version}").trim().to_owned()]);
        table.row(["sdk:", inspection.text("sdk")]);
    } else {
        table.row(["manifest:", "none"]);
    }
    let wanted = inspection.wanted().options();
    table.row(["wants:".to_owned(), if wanted.is_empty() { "nothing".into() } else { wanted.join(" ") }]);
    for (i, library) in inspection.libraries.iter().enumerate() {
        let place = if library.path.is_empty() { "not found" } else { library.path.as_str() };
        table.row([
            if i == 0 { "libraries:" } else { " " }.to_owned(),
            format!("{} ({place})", library.soname),
        ]);
    }
    table.row(["loads:", if inspection.problem.is_none() { "yes" } else { "no" }]);
    table
}
