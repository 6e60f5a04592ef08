//! Every rule of the allowlist is there for a program: one that is run here and recorded, or one that is named.

use std::collections::{BTreeMap, BTreeSet};

use valor_shim_core::sandbox::seccomp::{BY_PATH, CALLS};

use crate::harness::{Case, Mode};
use crate::honest;
use crate::recorder::record;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        ("no_rule_is_stale", no_rule_is_stale),
        ("the_tables_of_both_processors_agree", the_tables_of_both_processors_agree),
    ]
}

/// Calls that no program here makes, at least not with every C library; and who makes them.
const NAMED: &[(&str, &str)] = &[
    // Other C libraries, and other processors, which have only the newer call of a pair.
    ("SYS_fstat", "glibc before 2.33 and after 2.38: fstat"),
    ("SYS_stat", "glibc before 2.33: stat"),
    ("SYS_lstat", "glibc before 2.33: lstat"),
    ("SYS_pipe", "glibc before 2.30: pipe"),
    ("SYS_select", "glibc before 2.34: select"),
    ("SYS_dup3", "glibc on aarch64: dup2"),
    ("SYS_epoll_pwait", "glibc on aarch64: epoll_wait; Go"),
    ("SYS_faccessat", "glibc on aarch64: access"),
    ("SYS_fchmodat", "glibc on aarch64: chmod"),
    ("SYS_mkdirat", "glibc on aarch64: mkdir"),
    ("SYS_readlinkat", "glibc on aarch64: readlink; Go"),
    ("SYS_renameat", "glibc on aarch64: rename"),
    // The vDSO itself, where the kernel has no clock that it can read (hpet, acpi_pm), or under valgrind.
    ("SYS_clock_gettime", "the vDSO: clock_gettime"),
    ("SYS_clock_getres", "the vDSO: clock_getres"),
    ("SYS_gettimeofday", "the vDSO: gettimeofday"),
    ("SYS_time", "the vDSO: time"),
    ("SYS_getcpu", "the vDSO: sched_getcpu, of jemalloc with an arena for each processor"),
    ("SYS_restart_syscall", "the kernel, when a process that waits was frozen or stopped"),
    // Programs.
    ("SYS_open", "mimalloc and jemalloc, which must not call the C library: whether memory is overcommitted"),
    ("SYS_msync", "LMDB: a map that is written to"),
    ("SYS_dup", "zlib: gzdopen(dup(fd)), as its manual has it"),
    ("SYS_nanosleep", "Go: usleep of its scheduler"),
    ("SYS_truncate", "libstdc++: std::filesystem::resize_file"),
    ("SYS_chdir", "libstdc++: std::filesystem::current_path"),
    ("SYS_umask", "libgit2: the modes of a checkout"),
    ("SYS_getuid", "CPython: site.py, as all three that follow"),
    ("SYS_geteuid", "CPython: site.py; SQLite"),
    ("SYS_getgid", "CPython: site.py"),
    ("SYS_getegid", "CPython: site.py"),
    ("SYS_fadvise64", "RocksDB: PosixRandomAccessFile::Hint"),
    ("SYS_preadv", "libuv: uv_fs_read of several buffers"),
    ("SYS_pwritev", "libuv: uv_fs_write of several buffers"),
    ("SYS_timerfd_create", "Boost.Asio, smol's polling: timers"),
    ("SYS_timerfd_settime", "Boost.Asio, smol's polling: timers"),
    ("SYS_epoll_pwait2", "smol's polling, through rustix"),
    ("SYS_faccessat2", "Go: whether a file may be executed"),
];

fn no_rule_is_stale(mode: Mode) {
    let (seen, failures) = record(honest::jail(mode), honest::everything);
    assert_eq!(failures, Vec::<String>::new(), "{mode:?}");
    let by_path = if mode.bare() { &[] } else { BY_PATH };
    let allowed: BTreeMap<i64, &str> =
        CALLS.iter().chain(by_path).map(|call| (call.number, call.name)).collect();
    for number in &seen {
        assert!(allowed.contains_key(number), "call {number} passes the filter without a rule");
    }
    let named: BTreeMap<&str, &str> = NAMED.iter().copied().collect();
    assert_eq!(named.len(), NAMED.len(), "one is named twice");
    let known = |name: &str| CALLS.iter().chain(BY_PATH).any(|call| call.name == name);
    let left: Vec<_> = named.keys().filter(|name| cfg!(target_arch = "x86_64") && !known(name)).collect();
    assert_eq!(left, Vec::<&&str>::new(), "named, but not allowed any more");
    let stale: Vec<_> = allowed
        .iter()
        .filter(|(number, name)| !seen.contains(number) && !named.contains_key(*name))
        .map(|(_, name)| name)
        .collect();
    assert_eq!(stale, Vec::<&&str>::new(), "allowed, but no program needs them: remove them, or name one");
}

/// The calls that only x86_64 has, and those that do the same everywhere.
const TWINS: &[(&str, &str)] = &[
    // The base of thread-local storage is a register there that needs no call.
    ("SYS_arch_prctl", ""),
    ("SYS_access", "SYS_faccessat"),
    ("SYS_chmod", "SYS_fchmodat"),
    ("SYS_dup2", "SYS_dup3"),
    ("SYS_epoll_wait", "SYS_epoll_pwait"),
    ("SYS_lstat", "SYS_newfstatat"),
    ("SYS_mkdir", "SYS_mkdirat"),
    ("SYS_open", "SYS_openat"),
    ("SYS_pipe", "SYS_pipe2"),
    ("SYS_poll", "SYS_ppoll"),
    ("SYS_readlink", "SYS_readlinkat"),
    ("SYS_rename", "SYS_renameat"),
    ("SYS_rmdir", "SYS_unlinkat"),
    ("SYS_select", "SYS_pselect6"),
    ("SYS_stat", "SYS_newfstatat"),
    ("SYS_time", "SYS_clock_gettime"),
    ("SYS_unlink", "SYS_unlinkat"),
    ("SYS_chown", "SYS_fchownat"),
    ("SYS_inotify_init", "SYS_inotify_init1"),
    ("SYS_lchown", "SYS_fchownat"),
    ("SYS_link", "SYS_linkat"),
    ("SYS_mknod", "SYS_mknodat"),
    ("SYS_symlink", "SYS_symlinkat"),
    // Elsewhere it is `clone`, whose arguments are checked.
    ("SYS_fork", ""),
    ("SYS_vfork", ""),
    // Only there is such hardware.
    ("SYS_ioperm", ""),
    ("SYS_iopl", ""),
    ("SYS_modify_ldt", ""),
];

/// Both processors have the same names, but for the calls that x86_64 has from before the others were there; each of those has its
/// twin in the same table.
fn the_tables_of_both_processors_agree(_: Mode) {
    const ONLY: &str = "#[cfg(target_arch = \"x86_64\")]";
    let mut old = BTreeSet::new();
    for table in [
        include_str!("../../src/sandbox/seccomp/table.rs"),
        include_str!("../../src/sandbox/seccomp/refused.rs"),
    ] {
        let lines: Vec<&str> = table.lines().map(str::trim).collect();
        let name = |line: &str| line.split([' ', ':']).next().unwrap_or_default().to_owned();
        let conditions = lines.iter().filter(|line| line.starts_with("#[cfg")).count();
        let only: BTreeSet<String> =
            lines.windows(2).filter(|two| two[0] == ONLY).map(|two| name(two[1])).collect();
        assert_eq!(only.len(), conditions, "a call has a condition of another kind");
        for call in &only {
            let twin = TWINS.iter().find(|(old, _)| old == call).map(|(_, twin)| *twin);
            let twin =
                twin.unwrap_or_else(|| panic!("{call} exists on x86_64 only: what does the same elsewhere?"));
            let there = lines.iter().any(|line| line.split([' ', ':']).any(|word| word == twin));
            assert!(twin.is_empty() || there && !only.contains(twin), "{call} without {twin}");
        }
        old.extend(only);
    }
    assert_eq!(old, TWINS.iter().map(|(old, _)| (*old).to_owned()).collect());
}
