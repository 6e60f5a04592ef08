//! Layer `seccomp`: the system calls of an honest plugin, and no others.
//!
//! Two programs that both must agree, so that what is refused is refused in the way that programs expect:
//!
//! ```text
//! allow:  the calls of `table`, with their arguments checked; everything else EPERM
//! known:  the calls of `table` and `refused`; everything else ENOSYS, clone3 among it, since glibc falls back
//!         to clone on ENOSYS only
//! ```
//!
//! Another architecture (`int 0x80`) kills the process; x32 numbers are unknown calls.

mod numbers;
mod refused;
mod table;

use std::collections::BTreeMap;

use nix::unistd::{Pid, getpid};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use valor_wire::control::LayerReport;

use crate::report;

pub use refused::REFUSED;
pub use table::{BY_PATH, CALLS, ENGINE};

const LAYER: &str = "seccomp";

/// A call that is allowed.
#[derive(Debug)]
pub struct Call {
    /// Its number on this architecture.
    pub number: i64,
    /// Its name.
    pub name: &'static str,
    /// When: all of one line must hold; no line means always.
    pub when: &'static [&'static [Check]],
    /// What honest work needs it for.
    pub why: &'static str,
}

/// A condition on an argument.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// A 32-bit argument is this.
    Is(u8, u64),
    /// A 32-bit argument, as far as the mask goes, is this.
    Masked(u8, u64, u64),
    /// A 64-bit argument, as far as the mask goes, is this.
    MaskedLong(u8, u64, u64),
    /// A pointer is null.
    Null(u8),
    /// A process id is this process's own.
    Own(u8),
}

/// The programs of the allowlist, in the order in which to load them.
#[derive(Debug)]
pub(crate) struct Filter {
    programs: Vec<BpfProgram>,
}

/// Which process takes the filter.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Caller {
    /// The plugin itself, in the shim.
    Plugin,
    /// The shim beside an engine that is a program of its own, for which it waits and which it ends.
    Keeper(Pid),
    /// That engine.
    Engine,
}

/// Compiles the allowlist for this process; `own_root` says whether only what is the plugin's can be named by a path.
pub(crate) fn compile(own_root: bool, caller: Caller) -> Result<Filter, String> {
    let own = getpid();
    let mut allowed = BTreeMap::new();
    let mut known = BTreeMap::new();
    // What is allowed by path replaces what is allowed by descriptor.
    let engines = if matches!(caller, Caller::Engine) { ENGINE } else { &[] };
    for call in CALLS.iter().chain(if own_root { BY_PATH } else { &[] }).chain(engines) {
        let lines: Result<Vec<SeccompRule>, String> = call.when.iter().map(|line| rule(line, own)).collect();
        allowed.insert(call.number, lines?);
    }
    if let Caller::Keeper(engine) = caller {
        let engine = u64::from(engine.as_raw().unsigned_abs());
        allowed.insert(libc::SYS_wait4, vec![rule(&[Check::Is(0, engine)], own)?]);
        let kill = [Check::Is(0, engine), Check::Is(1, libc::SIGKILL as u64)];
        allowed.entry(libc::SYS_kill).or_default().push(rule(&kill, own)?);
    }
    let refused = REFUSED.iter().map(|(number, _)| *number);
    for number in CALLS.iter().chain(BY_PATH).chain(engines).map(|call| call.number).chain(refused) {
        known.insert(number, Vec::new());
    }
    let errno = |errno: i32| SeccompAction::Errno(errno.unsigned_abs());
    Ok(Filter {
        programs: vec![
            program(allowed, errno(libc::EPERM), SeccompAction::Allow)?,
            program(known, errno(libc::ENOSYS), SeccompAction::Allow)?,
        ],
    })
}

/// Loads the allowlist for this thread and all that it starts.
pub(crate) fn apply(filter: &Filter) -> LayerReport {
    for program in &filter.programs {
        // For all threads: there is one, but it is the only way that the first program allows the second.
        if let Err(error) = seccompiler::apply_filter_all_threads(program) {
            return report::absent(LAYER, format!("{error}: a kernel with CONFIG_SECCOMP_FILTER is needed"));
        }
    }
    report::probed(LAYER, probe())
}

/// Tries an act that is refused, and one that is unknown.
fn probe() -> Result<(), String> {
    use std::os::unix::net::UnixListener;
    let refused = UnixListener::bind("/probe").err().and_then(|error| error.raw_os_error());
    if refused != Some(libc::EPERM) {
        return Err(format!("a socket is answered with {refused:?}"));
    }
    let unknown = nix::sched::unshare(nix::sched::CloneFlags::CLONE_THREAD);
    if unknown != Err(nix::errno::Errno::EPERM) {
        return Err(format!("unshare is answered with {unknown:?}"));
    }
    Ok(())
}

/// A program that answers calls with a rule of their own by `hit` and the others by `miss`.
pub(super) fn program(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    miss: SeccompAction,
    hit: SeccompAction,
) -> Result<BpfProgram, String> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|e| e.to_string())?;
    SeccompFilter::new(rules, miss, hit, arch)
        .and_then(TryInto::try_into)
        .map_err(|e: seccompiler::BackendError| e.to_string())
}

/// One line of a call's conditions.
pub(super) fn rule(line: &[Check], own: Pid) -> Result<SeccompRule, String> {
    let own = u64::from(own.as_raw().unsigned_abs());
    let conditions: Result<Vec<_>, _> = line
        .iter()
        .map(|check| match *check {
            Check::Is(arg, value) => SeccompCondition::new(arg, Len::Dword, Op::Eq, value),
            Check::Masked(arg, mask, value) => {
                SeccompCondition::new(arg, Len::Dword, Op::MaskedEq(mask), value)
            }
            Check::MaskedLong(arg, mask, value) => {
                SeccompCondition::new(arg, Len::Qword, Op::MaskedEq(mask), value)
            }
            Check::Null(arg) => SeccompCondition::new(arg, Len::Qword, Op::Eq, 0),
            Check::Own(arg) => SeccompCondition::new(arg, Len::Dword, Op::Eq, own),
        })
        .collect();
    conditions.and_then(SeccompRule::new).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use nix::unistd::Pid;

    use super::{BY_PATH, CALLS, Caller, ENGINE, REFUSED, compile};

    #[test]
    fn the_tables_compile_and_name_each_call_once_with_its_reason() {
        for own_root in [true, false] {
            compile(own_root, Caller::Plugin).unwrap();
        }
        for caller in [Caller::Keeper(Pid::from_raw(7)), Caller::Engine] {
            compile(true, caller).unwrap();
        }
        for call in ENGINE {
            assert!(call.why.len() > 3, "{} has no reason", call.name);
        }
        let mut seen = BTreeSet::new();
        for call in CALLS {
            assert!(seen.insert(call.number), "{} twice", call.name);
            assert!(call.why.len() > 3, "{} has no reason", call.name);
        }
        for call in BY_PATH {
            assert!(call.number == libc::SYS_utimensat || seen.insert(call.number), "{} twice", call.name);
        }
        for (number, name) in REFUSED {
            assert!(seen.insert(*number), "{name} twice");
        }
    }

    #[test]
    fn clone3_is_unknown_so_that_glibc_falls_back() {
        assert!(CALLS.iter().all(|call| call.number != libc::SYS_clone3));
        assert!(REFUSED.iter().all(|(number, _)| *number != libc::SYS_clone3));
    }
}
