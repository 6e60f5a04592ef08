//! What the filter says to every number there is, and that the seal leaves no thread out. What a hostile plugin would try is in
//! `escapes`.

use std::collections::BTreeMap;

use valor_shim_core::sandbox::seccomp::{BY_PATH, CALLS, REFUSED};

use crate::harness::{Case, Jail, Mode};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        ("calls_are_refused_as_the_tables_say", calls_are_refused_as_the_tables_say),
        ("the_seal_reaches_every_thread", the_seal_reaches_every_thread),
    ]
}

/// Every number that is not allowed, with arguments that would do no harm: the two tables and nothing else decide.
fn calls_are_refused_as_the_tables_say(mode: Mode) {
    Jail::new(mode).assert(|_| {
        let by_path = if mode.bare() { &[] } else { BY_PATH };
        let mut allowed: BTreeMap<i64, bool> =
            CALLS.iter().chain(by_path).map(|call| (call.number, call.when.is_empty())).collect();
        for call in BY_PATH {
            allowed.entry(call.number).or_insert(false);
        }
        let refused: BTreeMap<i64, &str> = REFUSED.iter().copied().collect();
        let mut failures = Vec::new();
        // uretprobe and uprobe: the kernel lets them past every filter, and ends whoever calls them without a probe.
        let bypass: &[i64] = if cfg!(target_arch = "x86_64") { &[335, 336] } else { &[] };
        for number in (0..700).filter(|n| !bypass.contains(n)).chain((0..700).map(|n| n | 0x4000_0000)) {
            let expected = match (allowed.get(&number), refused.get(&number)) {
                (Some(true), _) => continue,
                (Some(false), _) | (None, Some(_)) => libc::EPERM,
                (None, None) => libc::ENOSYS,
            };
            let found = refusal(number, [-1; 6]);
            if found != Some(expected) {
                failures.push(format!("call {number:#x}: {found:?}, expected {expected}"));
            }
        }
        failures
    });
}

/// A thread that a constructor has started must not keep what the others have lost.
fn the_seal_reaches_every_thread(mode: Mode) {
    Jail::new(mode).assert(|confined| {
        let map = || {
            let flags = i64::from(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            refusal(libc::SYS_mmap, [0, 4096, i64::from(libc::PROT_READ | libc::PROT_EXEC), flags, -1, 0])
        };
        let (go, wait) = std::sync::mpsc::sync_channel::<()>(0);
        let thread = std::thread::spawn(move || {
            wait.recv().ok();
            map()
        });
        let before = map();
        let sealed = confined.seal().err().map(|error| error.to_string());
        go.send(()).ok();
        let (first, second) = (map(), thread.join().ok().flatten());
        match (before, sealed, first, second) {
            (None, None, Some(libc::EPERM), Some(libc::EPERM)) => Vec::new(),
            other => vec![format!("{other:?}")],
        }
    });
}

/// The error of a call that harms nobody when it is allowed.
fn refusal(number: i64, a: [i64; 6]) -> Option<i32> {
    // SAFETY: as the callers say.
    let result = unsafe { libc::syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]) };
    if result < 0 { std::io::Error::last_os_error().raw_os_error() } else { None }
}
