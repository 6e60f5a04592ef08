//! The calls that no safe wrapper offers: every unsafe line of the sandbox.

#![expect(
    unsafe_code,
    reason = "forks, raw system calls and descriptors by number; each has its justification"
)]

use std::ffi::{CStr, c_int, c_long, c_ulong};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::path::Path;

use nix::errno::Errno;
use nix::sched::CloneFlags;
use nix::unistd::{ForkResult, Pid};

use super::SandboxError;

/// `prctl` with integer arguments.
pub(super) fn prctl(option: c_int, args: [c_ulong; 4]) -> Result<c_int, Errno> {
    // SAFETY: every option that is used in this crate takes integers, or a NUL-terminated string for `name_process`,
    // which goes another way; none makes the kernel write to memory.
    Errno::result(unsafe { libc::prctl(option, args[0], args[1], args[2], args[3]) })
}

/// Names the calling thread, and so the process while it has only one.
pub(super) fn name_process(name: &str) {
    let mut bytes: Vec<u8> = name.bytes().filter(u8::is_ascii_graphic).take(15).collect();
    bytes.push(0);
    // SAFETY: PR_SET_NAME reads at most 16 bytes of a NUL-terminated string that outlives the call.
    unsafe { libc::prctl(libc::PR_SET_NAME, bytes.as_ptr()) };
}

/// Gives up the controlling terminal.
pub(super) fn let_go_of_terminal(terminal: &impl AsRawFd) -> Result<(), Errno> {
    // SAFETY: it takes no argument.
    Errno::result(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCNOTTY) }).map(drop)
}

/// Fails when the process has a second thread: namespaces, forks and `setenv` would not be sound then.
pub(super) fn single_threaded() -> Result<(), SandboxError> {
    // CLONE_THREAD makes unshare fail in a process with threads, and is nothing to do in one without. Where a filter forbids
    // unshare altogether (containers) it cannot be asked, and nobody has made a thread either.
    match nix::sched::unshare(CloneFlags::CLONE_THREAD) {
        Err(errno @ Errno::EINVAL) => Err(SandboxError::Threads(errno)),
        _ => Ok(()),
    }
}

/// Forks; the child is a full process since there is only one thread.
pub(super) fn fork(step: &'static str) -> Result<Option<Pid>, SandboxError> {
    single_threaded()?;
    // SAFETY: the process has one thread, so that no lock is held by another one in the child.
    match unsafe { nix::unistd::fork() } {
        Ok(ForkResult::Parent { child }) => Ok(Some(child)),
        Ok(ForkResult::Child) => Ok(None),
        Err(errno) => Err(SandboxError::Call {
            step,
            errno,
            cure: "check the limits on processes (ulimit -u, TasksMax= of the unit, pids.max of the cgroup)",
        }),
    }
}

/// Loads what glibc would look for only later, when the root is no longer the machine's.
pub(crate) fn preload() -> Result<(), String> {
    const UNWINDER: &CStr = c"libgcc_s.so.1";
    // SAFETY: the name is NUL-terminated; the library's constructors are those of the compiler's own runtime. The handle is
    // kept open for ever, on purpose.
    let handle = unsafe { libc::dlopen(UNWINDER.as_ptr(), libc::RTLD_NOW) };
    if handle.is_null() {
        return Err("libgcc_s.so.1 is missing: cancelling a thread will abort the plugin".to_owned());
    }
    Ok(())
}

/// Sets an environment variable.
pub(super) fn set_env(name: &str, value: &str) -> Result<(), SandboxError> {
    single_threaded()?;
    #[expect(clippy::disallowed_methods, reason = "this is the start of the process, before any thread")]
    // SAFETY: the process has one thread.
    unsafe {
        std::env::set_var(name, value);
    }
    Ok(())
}

/// The kernel's Landlock version, 0 or less when there is none.
pub(super) fn landlock_version() -> i32 {
    // SAFETY: with a null attribute, size 0 and the flag 1 the call only returns the version.
    let version = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<libc::c_void>(), 0_usize, 1_u32)
    };
    i32::try_from(version).unwrap_or(0)
}

/// Sets mount attributes, of everything beneath too.
pub(super) fn mount_setattr(path: &Path, set: u64) -> io::Result<()> {
    const AT_RECURSIVE: c_int = 0x8000;
    let attributes = libc::mount_attr { attr_set: set, attr_clr: 0, propagation: 0, userns_fd: 0 };
    let path = std::ffi::CString::new(path.as_os_str().as_encoded_bytes())?;
    // SAFETY: the path is NUL-terminated, the structure is of the size that is passed, and both outlive the call.
    let result: c_long = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            AT_RECURSIVE,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Ignores a signal, here and in what is forked from here.
pub(super) fn ignore(signal: c_int) -> Result<(), Errno> {
    // SAFETY: no handler is installed, so no code of ours runs in one.
    let before = unsafe { libc::signal(signal, libc::SIG_IGN) };
    if before == libc::SIG_ERR { Err(Errno::last()) } else { Ok(()) }
}

/// The scheduling policy of this thread, by its number.
pub(super) fn scheduling() -> Result<c_int, Errno> {
    // SAFETY: only a number is passed.
    Errno::result(unsafe { libc::sched_getscheduler(0) })
}

/// Has this thread, and what is started from it, scheduled as `SCHED_BATCH`.
pub(super) fn schedule_as_batch() -> Result<(), Errno> {
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: the parameters are only read.
    Errno::result(unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const parameters) }).map(drop)
}

/// Replaces what a descriptor number stands for by what standard input is, closing the original.
pub(super) fn neutralise(fd: RawFd) -> Result<(), Errno> {
    // SAFETY: only numbers are passed. The number stays open, so that whoever still holds an owner of it may drop it.
    Errno::result(unsafe { libc::dup3(0, fd, libc::O_CLOEXEC) }).map(drop)
}

/// Closes a range of descriptors, both ends included.
pub(super) fn close_range(first: u32, last: u32) -> Result<(), Errno> {
    // SAFETY: only numbers are passed; nothing in this process owns a descriptor of the range, see `descriptors`.
    Errno::result(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) }).map(drop)
}

/// A descriptor by its number, to be asked about. Nothing closes one in between: there is one thread.
pub(super) fn borrow(fd: RawFd) -> Result<BorrowedFd<'static>, Errno> {
    // SAFETY: fcntl only asks whether the number is open.
    Errno::result(unsafe { libc::fcntl(fd, libc::F_GETFD) })?;
    // SAFETY: it is open, so not -1; the sockets that this is used for stay open until the process ends.
    Ok(unsafe { BorrowedFd::borrow_raw(fd) })
}

/// Whether the kernel gives out an executable page.
pub(super) fn executable_page() -> bool {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_EXEC, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new anonymous mapping at an address of the kernel's choice touches no memory that is in use. It is expected
    // to fail, and is never accessed.
    let page = unsafe { libc::mmap(std::ptr::null_mut(), 4096, protection, flags, -1, 0) };
    page != libc::MAP_FAILED
}

/// Whether kernel and processor have protection keys.
pub(super) fn has_protection_keys() -> bool {
    // SAFETY: only numbers are passed, and nothing is protected by the new key.
    let key = unsafe { libc::syscall(libc::SYS_pkey_alloc, 0, 0) };
    if key >= 0 {
        // SAFETY: the key is this function's own.
        unsafe { libc::syscall(libc::SYS_pkey_free, key) };
    }
    key >= 0
}

/// The version of the C library, such as `2.36`.
#[must_use]
pub(crate) fn glibc_version() -> String {
    // SAFETY: takes nothing, and returns a pointer to a constant.
    let version = unsafe { libc::gnu_get_libc_version() };
    // SAFETY: the constant is NUL-terminated.
    let version = unsafe { CStr::from_ptr(version) };
    version.to_string_lossy().into_owned()
}
