//! The calls that a plugin may make, each with its reason: what was seen with tokio on glibc, and what honest plugins
//! (SQLite, tempfile, rayon) need besides.

use super::{Call, Check, numbers};
use Check::{Is, Masked, MaskedLong, Null, Own};

/// Threads are cloned with these, and may have those of [`THREAD_OPTIONAL`].
const THREAD: u64 = (libc::CLONE_VM | libc::CLONE_SIGHAND | libc::CLONE_THREAD) as u64;
const THREAD_OPTIONAL: u64 = (libc::CLONE_FS
    | libc::CLONE_FILES
    | libc::CLONE_SYSVSEM
    | libc::CLONE_SETTLS
    | libc::CLONE_PARENT_SETTID
    | libc::CLONE_CHILD_CLEARTID
    | libc::CLONE_CHILD_SETTID
    | libc::CLONE_DETACHED) as u64;
/// Set-user-id and set-group-id: whoever looks into the data directory from outside must not find such a file.
const SETID: u64 = 0o6000;
/// Neither executed nor shared code pages are made by remapping.
const TSYNC: u64 = libc::SECCOMP_FILTER_FLAG_TSYNC;

macro_rules! calls {
    ($($(#[$cfg:meta])? $syscall:ident $(if $([$($check:expr),+])or+)?: $why:literal;)*) => {
        &[$($(#[$cfg])? Call {
            number: numbers::$syscall,
            name: stringify!($syscall),
            when: &[$($(&[$($check),+]),+)?],
            why: $why,
        }),*]
    };
}

/// The allowlist.
pub static CALLS: &[Call] = calls! {
    // Memory.
    SYS_brk: "malloc";
    SYS_mmap: "malloc, thread stacks, dlopen; nothing executable once sealed";
    SYS_munmap: "free";
    SYS_mremap: "realloc of large blocks";
    SYS_mprotect: "guard pages, relocation; nothing executable once sealed";
    SYS_madvise: "allocators give pages back";
    SYS_msync: "databases on mapped files";

    // Threads.
    SYS_clone if [MaskedLong(0, !THREAD_OPTIONAL, THREAD)]: "threads, never processes or namespaces";
    SYS_set_robust_list: "start of a thread";
    SYS_rseq: "start of a thread";
    SYS_futex: "locks";
    SYS_exit: "end of a thread";
    SYS_exit_group: "end of the process";
    SYS_gettid: "names of threads";
    SYS_getpid: "logs, seeds";
    SYS_sched_yield: "spin locks";
    SYS_sched_getaffinity: "how many threads to start";
    SYS_restart_syscall: "a call that a signal interrupted";
    SYS_prctl if [Is(0, libc::PR_SET_NAME as u64)] or [Is(0, libc::PR_GET_NAME as u64)]
        or [Is(0, libc::PR_SET_NO_NEW_PRIVS as u64)]: "names of threads; the seal sets what is set already";
    SYS_seccomp if [Is(0, libc::SECCOMP_SET_MODE_FILTER as u64), Is(1, TSYNC)]: "the seal; refused afterwards";

    // Signals, to itself only.
    SYS_rt_sigaction: "handlers, of stack overflow for example";
    SYS_rt_sigprocmask: "start of a thread, abort";
    SYS_rt_sigreturn: "return from a handler";
    SYS_sigaltstack: "handlers of stack overflow";
    SYS_tgkill if [Own(0)]: "abort, raise";
    SYS_kill if [Own(0)]: "a process that ends itself";

    // Time, chance and what a process may know about itself.
    SYS_clock_gettime: "where the vDSO cannot";
    SYS_clock_getres: "where the vDSO cannot";
    SYS_gettimeofday: "where the vDSO cannot";
    #[cfg(target_arch = "x86_64")]
    SYS_time: "where the vDSO cannot";
    SYS_clock_nanosleep: "sleep";
    SYS_nanosleep: "sleep of older libraries";
    SYS_timerfd_create: "timers of other event loops";
    SYS_timerfd_settime: "timers of other event loops";
    SYS_getrandom: "keys of hash maps";
    SYS_getcpu: "where the vDSO cannot";
    SYS_getrusage: "a process that measures itself";
    SYS_prlimit64 if [Is(0, 0), Null(2)] or [Own(0), Null(2)]: "asking for a limit: stack size of threads";
    SYS_sysinfo: "how much memory there is: qsort of glibc, allocators";
    SYS_uname: "dlopen of older glibc compares the kernel's version";
    SYS_getuid: "tempfile, SQLite";
    SYS_geteuid: "SQLite asks whether it is root";
    SYS_getgid: "tempfile";
    SYS_getegid: "secure_getenv";

    // Files.
    SYS_openat if [Masked(3, SETID, 0)]: "open";
    #[cfg(target_arch = "x86_64")]
    SYS_open if [Masked(2, SETID, 0)]: "open of older libraries";
    SYS_close: "close";
    SYS_read: "files, pipes, sockets";
    SYS_write: "files, pipes, sockets";
    SYS_readv: "files, sockets";
    SYS_writev: "files, sockets";
    SYS_pread64: "files: dlopen, SQLite";
    SYS_pwrite64: "files: SQLite";
    SYS_preadv: "files";
    SYS_pwritev: "files";
    SYS_lseek: "files";
    #[cfg(target_arch = "x86_64")]
    SYS_stat: "older libraries";
    #[cfg(target_arch = "x86_64")]
    SYS_lstat: "older libraries";
    SYS_fstat: "files: dlopen";
    SYS_newfstatat: "files";
    SYS_statx: "files";
    SYS_getdents64: "directories";
    #[cfg(target_arch = "x86_64")]
    SYS_access: "SQLite, dlopen";
    SYS_faccessat: "SQLite, dlopen";
    SYS_faccessat2: "access of newer libraries";
    #[cfg(target_arch = "x86_64")]
    SYS_readlink: "canonical paths";
    SYS_readlinkat: "canonical paths";
    SYS_getcwd: "relative paths";
    SYS_chdir: "relative paths";
    SYS_umask: "private files";
    #[cfg(target_arch = "x86_64")]
    SYS_mkdir if [Masked(1, SETID, 0)]: "directories";
    SYS_mkdirat if [Masked(2, SETID, 0)]: "directories";
    #[cfg(target_arch = "x86_64")]
    SYS_rmdir: "directories";
    #[cfg(target_arch = "x86_64")]
    SYS_unlink: "temporary files";
    SYS_unlinkat: "temporary files";
    #[cfg(target_arch = "x86_64")]
    SYS_rename: "atomic replacement";
    SYS_renameat: "atomic replacement";
    SYS_renameat2: "atomic replacement without overwriting: tempfile";
    SYS_fchmod if [Masked(1, SETID, 0)]: "permissions of own files: SQLite";
    SYS_utimensat if [Null(1)]: "times of own files";
    SYS_truncate: "files";
    SYS_ftruncate: "files: SQLite";
    SYS_fallocate: "files: databases";
    SYS_fadvise64: "files: databases";
    SYS_fsync: "files: SQLite";
    SYS_fdatasync: "files: SQLite";
    SYS_flock: "locks on files";
    SYS_fcntl if [Is(1, libc::F_DUPFD as u64)] or [Is(1, libc::F_DUPFD_CLOEXEC as u64)]
        or [Is(1, libc::F_GETFD as u64)] or [Is(1, libc::F_SETFD as u64)]
        or [Is(1, libc::F_GETFL as u64)] or [Is(1, libc::F_SETFL as u64)]
        or [Is(1, libc::F_GETLK as u64)] or [Is(1, libc::F_SETLK as u64)] or [Is(1, libc::F_SETLKW as u64)]
        or [Is(1, libc::F_OFD_GETLK as u64)] or [Is(1, libc::F_OFD_SETLK as u64)]
        or [Is(1, libc::F_OFD_SETLKW as u64)]: "flags, duplicates, locks on files";
    SYS_ioctl if [Is(1, libc::FIONBIO)] or [Is(1, libc::FIONREAD)] or [Is(1, libc::FIOCLEX)]
        or [Is(1, libc::FIONCLEX)] or [Is(1, libc::TCGETS)]: "std's set_nonblocking; whether it is a terminal (it never is)";

    // Descriptors and waiting.
    #[cfg(target_arch = "x86_64")]
    SYS_pipe: "channels of older libraries";
    SYS_pipe2: "channels";
    SYS_dup: "duplicates";
    #[cfg(target_arch = "x86_64")]
    SYS_dup2: "duplicates";
    SYS_dup3: "duplicates";
    SYS_eventfd2: "wakers";
    SYS_epoll_create1: "event loops";
    SYS_epoll_ctl: "event loops";
    #[cfg(target_arch = "x86_64")]
    SYS_epoll_wait: "event loops";
    SYS_epoll_pwait: "event loops";
    SYS_epoll_pwait2: "event loops";
    #[cfg(target_arch = "x86_64")]
    SYS_poll: "std's start, loops of C plugins";
    SYS_ppoll: "loops of C plugins";
    #[cfg(target_arch = "x86_64")]
    SYS_select: "loops of older libraries";
    SYS_pselect6: "loops of older libraries";

    // The sockets that the process was given, and pairs of its own. No addresses, no descriptors in messages.
    SYS_socketpair if [Is(0, libc::AF_UNIX as u64)]: "wakers of signal handlers in tokio";
    SYS_recvfrom: "read of a socket";
    SYS_sendto if [Null(4)]: "write to a socket that is connected";
    SYS_shutdown: "end of a direction";
    SYS_getsockopt if [Is(1, libc::SOL_SOCKET as u64), Is(2, libc::SO_ERROR as u64)]
        or [Is(1, libc::SOL_SOCKET as u64), Is(2, libc::SO_TYPE as u64)]: "errors of a socket";
};

/// Besides, where nothing but the plugin's own can be named: Landlock does not check these calls, and a user who is shared may
/// own files outside.
pub static BY_PATH: &[Call] = calls! {
    #[cfg(target_arch = "x86_64")]
    SYS_chmod if [Masked(1, SETID, 0)]: "permissions of own files";
    SYS_fchmodat if [Masked(2, SETID, 0)]: "permissions of own files";
    SYS_utimensat: "times of own files";
};

/// Besides, for an engine that is a program of its own and compiles while it runs. Landlock leaves it nothing to execute but itself.
pub static ENGINE: &[Call] = calls! {
    SYS_execve: "becoming the program";
    // ARCH_SET_FS, which libc does not name.
    #[cfg(target_arch = "x86_64")]
    SYS_arch_prctl if [Is(0, 0x1002)]: "thread-local storage of a program that begins";
    SYS_set_tid_address: "a program that begins";
    SYS_getsockname: "what sort of socket its standard input is";
    SYS_sched_getscheduler: "V8's locks ask for the priority of their thread";
    SYS_sched_getparam: "V8's locks ask for the priority of their thread";
    SYS_pkey_alloc: "V8 guards its code by protection keys, where the processor has them";
    SYS_pkey_free: "V8 guards its code by protection keys, where the processor has them";
    SYS_pkey_mprotect: "V8 guards its code by protection keys, where the processor has them";
};
