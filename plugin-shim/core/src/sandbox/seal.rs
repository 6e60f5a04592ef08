//! Layer `seal`: once the plugin is loaded, no new code. Every thread takes the filter at once.

use std::collections::BTreeMap;

use nix::unistd::getpid;
use seccompiler::{BpfProgram, SeccompAction};
use valor_wire::control::LayerReport;

use super::seccomp::{Check, program, rule};
use super::{SandboxError, sys};
use crate::report;

const EXEC: u64 = libc::PROT_EXEC as u64;

/// The program; compiled before it is needed, so that nothing can be missing then.
pub(super) fn compile() -> Result<BpfProgram, String> {
    let own = getpid();
    let executable = [Check::Masked(2, EXEC, EXEC)];
    let mut refused = BTreeMap::new();
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        refused.insert(call, vec![rule(&executable, own)?]);
    }
    // Nothing is sealed twice, and no filter of a plugin's own makes calls lie to the shim.
    refused.insert(libc::SYS_seccomp, Vec::new());
    program(refused, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM.unsigned_abs()))
}

/// Loads it for all threads. A thread that cannot take it fails the start: a constructor has tampered with it.
pub(super) fn apply(filter: &BpfProgram) -> Result<LayerReport, SandboxError> {
    seccompiler::apply_filter_all_threads(filter).map_err(|error| SandboxError::Seal(error.to_string()))?;
    probe().map_err(SandboxError::Seal)?;
    Ok(report::full("seal", ""))
}

/// Tries to get an executable page.
fn probe() -> Result<(), String> {
    if sys::executable_page() { Err("an executable page can still be had".to_owned()) } else { Ok(()) }
}
