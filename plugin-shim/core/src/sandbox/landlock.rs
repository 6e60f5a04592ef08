//! Layers `landlock-fs`, `landlock-net` and `landlock-scopes`: a second fence around files, TCP and signals.
//!
//! Without a mount namespace the first of them is the only fence around files. The crate's best effort fails open, so each
//! feature that the kernel has is demanded, the result is asserted, and a forbidden act is tried.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd,
    RestrictionStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::getppid;
use valor_wire::control::LayerReport;

use super::sys;
use crate::report;

const FS: &str = "landlock-fs";
const NET: &str = "landlock-net";
const SCOPES: &str = "landlock-scopes";

/// What remains reachable.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    /// Files and directories to read.
    pub(crate) read: Vec<PathBuf>,
    /// Directories and files to write, with all that honest work needs.
    pub(crate) write: Vec<PathBuf>,
    /// Device nodes to open for reading and writing.
    pub(crate) devices: Vec<PathBuf>,
    /// Programs to execute.
    pub(crate) execute: Vec<PathBuf>,
}

/// Restricts this thread, and all that it starts.
pub(crate) fn apply(paths: &Paths) -> Vec<LayerReport> {
    let version = sys::landlock_version();
    if version < 1 {
        let why = "this kernel has no Landlock, or it is not in its lsm= list: it came with Linux 5.13";
        return [FS, NET, SCOPES].map(|layer| report::absent(layer, why)).into();
    }
    let abi = ABI::from(version);
    match restrict(abi, paths) {
        Ok(status) if status.ruleset == RulesetStatus::FullyEnforced => probe(version),
        Ok(status) => {
            let why = format!("the kernel enforces the rules only {:?}", status.ruleset);
            [FS, NET, SCOPES].map(|layer| report::absent(layer, why.clone())).into()
        }
        Err(why) => [FS, NET, SCOPES].map(|layer| report::absent(layer, why.clone())).into(),
    }
}

fn restrict(abi: ABI, paths: &Paths) -> Result<RestrictionStatus, String> {
    let text = |error: &dyn std::error::Error| error.to_string();
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(abi))
        .map_err(|e| text(&e))?;
    if abi >= ABI::V4 {
        ruleset = ruleset.handle_access(AccessNet::from_all(abi)).map_err(|e| text(&e))?;
    }
    if abi >= ABI::V6 {
        ruleset = ruleset.scope(Scope::from_all(abi)).map_err(|e| text(&e))?;
    }
    let mut created = ruleset.create().map_err(|e| text(&e))?;
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    // No execution, no sockets, pipes or devices, no symbolic links.
    let write = (read
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
        | AccessFs::Refer)
        & AccessFs::from_all(abi);
    let device = AccessFs::ReadFile | AccessFs::WriteFile;
    let execute = AccessFs::ReadFile | AccessFs::Execute;
    let lists =
        [(&paths.read, read), (&paths.write, write), (&paths.devices, device), (&paths.execute, execute)];
    for (list, access) in lists {
        for path in list {
            let opened = PathFd::new(path).map_err(|e| format!("{}: {e}", path.display()))?;
            let access = for_kind(path, access, abi);
            created = created.add_rule(PathBeneath::new(opened, access)).map_err(|e| text(&e))?;
        }
    }
    created.restrict_self().map_err(|e| text(&e))
}

/// A rule about a file may not speak of directories.
fn for_kind(path: &Path, access: BitFlags<AccessFs>, abi: ABI) -> BitFlags<AccessFs> {
    if path.is_dir() { access } else { access & AccessFs::from_file(abi) }
}

/// Tries a forbidden act of each kind that the kernel claims to refuse.
fn probe(version: i32) -> Vec<LayerReport> {
    let since = |layer: &str, needed: i32, linux: &str| {
        (version < needed).then(|| {
            report::absent(layer, format!("this kernel's Landlock has it not: it came with Linux {linux}"))
        })
    };
    let fs = match std::fs::read_dir("/") {
        Ok(_) => report::absent(FS, "the root directory can still be listed"),
        Err(_) if version < 3 => {
            report::partial(FS, "this kernel's Landlock is older than Linux 6.2: truncating is not covered")
        }
        Err(_) => report::full(FS, ""),
    };
    let net = since(NET, 4, "6.7").unwrap_or_else(|| match TcpListener::bind((Ipv4Addr::LOCALHOST, 0)) {
        Ok(_) => report::absent(NET, "a TCP port can still be taken"),
        Err(error) => match error.raw_os_error() {
            Some(libc::EACCES) => report::full(NET, ""),
            _ => report::partial(NET, format!("could not be tried: {error}")),
        },
    });
    let scopes = since(SCOPES, 6, "6.12").unwrap_or_else(|| match kill(getppid(), None) {
        Err(Errno::EPERM) => report::full(SCOPES, ""),
        other => report::absent(SCOPES, format!("a signal to the init is answered with {other:?}")),
    });
    vec![fs, net, scopes]
}
