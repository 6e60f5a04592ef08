//! Plugin names for the shell's completion, straight from the daemon.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser as _;
use clap_complete::CompletionCandidate;
use valor_control::name;
use valor_control::v1::ListRequest;

use crate::cli::Cli;
use crate::connect::Daemon;
use crate::output::clean;

/// A shell that hangs on TAB is worse than one that has no idea.
const DEADLINE: Duration = Duration::from_secs(2);

/// The names that begin with what is typed; none where no daemon answers in time.
pub(crate) fn names(current: &OsStr) -> Vec<CompletionCandidate> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Vec::new();
    };
    let found = runtime.block_on(async { tokio::time::timeout(DEADLINE, ask()).await });
    let prefix = current.to_string_lossy();
    let names = found.ok().flatten().unwrap_or_default();
    names
        .into_iter()
        // What is completed is typed for the person: only what is a name, and never a command.
        .filter(|plugin| plugin.name.starts_with(&*prefix) && name::check(&plugin.name).is_ok())
        .map(|plugin| {
            let help = format!("{} {}", plugin.prefix, plugin.state);
            CompletionCandidate::new(plugin.name).help(Some(clean(&help).into_owned().into()))
        })
        .collect()
}

async fn ask() -> Option<Vec<valor_control::v1::Plugin>> {
    // The command line is not parsed when it is completed; only the socket matters here.
    let mut globals = Cli::try_parse_from(["valorctl", "list"]).ok()?.globals;
    if let Some(path) = typed_control(std::env::args_os()) {
        globals.control = Some(path);
    }
    let Daemon { mut client, .. } = Daemon::connect(&globals).await.ok()?;
    Some(client.list(ListRequest {}).await.ok()?.into_inner().plugins)
}

/// The `--control` of the line that is being completed.
fn typed_control(args: impl Iterator<Item = OsString>) -> Option<PathBuf> {
    let args: Vec<OsString> = args.skip_while(|arg| arg != "--").collect();
    let joined = args.iter().find_map(|arg| arg.as_bytes().strip_prefix(b"--control="));
    let next = || args.windows(2).find(|pair| pair[0] == "--control").map(|pair| pair[1].as_bytes());
    joined.or_else(next).map(|path| PathBuf::from(OsStr::from_bytes(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_typed_socket_counts() {
        let find = |line: &str| typed_control(line.split(' ').map(OsString::from));
        assert_eq!(find("valorctl -- valorctl --control /a inspect "), Some("/a".into()));
        assert_eq!(find("valorctl -- valorctl --control=/b inspect "), Some("/b".into()));
        assert_eq!(find("valorctl --control /no -- valorctl inspect "), None);
    }
}
