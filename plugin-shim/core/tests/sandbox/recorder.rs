//! Records which system calls are allowed to a plugin process while it works, by tracing it from the start.

use std::collections::{BTreeSet, HashMap};
use std::fs;

use nix::unistd::Pid;
use valor_shim_core::sandbox::Confined;

use crate::harness::{Failures, Jail, send};

/// No kernel has this call: from here on the calls of the process count.
const MARK: i64 = 0x7fff;

/// Runs a function inside; the numbers of the calls that it made and that the filter let pass, and what it returned.
pub(crate) fn record(mut jail: Jail, inside: impl FnOnce(Confined) -> Failures) -> (BTreeSet<i64>, Failures) {
    jail.traced = true;
    let mut running = jail.start(|confined, fds| {
        // SAFETY: takes nothing, and is answered with ENOSYS.
        unsafe { libc::syscall(MARK) };
        let failures = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| inside(confined)))
            .unwrap_or_else(|_| vec!["panicked".to_owned()]);
        send(fds.control, &failures);
        0
    });
    let mut tracer = Tracer::default();
    let code = tracer.follow(running.outer);
    let mut failures = running.failures();
    if code != 0 {
        failures.push(format!("exit code {code}"));
    }
    (tracer.seen, failures)
}

#[derive(Debug, Default)]
struct Tracer {
    seen: BTreeSet<i64>,
    /// The call that a thread is in.
    current: HashMap<i32, i64>,
    /// The process of a thread.
    process: HashMap<i32, String>,
    /// The one that counts.
    marked: Option<String>,
}

/// What PTRACE_GET_SYSCALL_INFO fills in.
#[repr(C)]
#[derive(Debug, Default)]
struct Info {
    op: u8,
    flags: u8,
    reserved: u16,
    arch: u32,
    instruction_pointer: u64,
    stack_pointer: u64,
    /// On entry the number and six arguments; on exit the result, and whether it is an error.
    words: [i64; 8],
}

const ENTRY: u8 = 1;
const EXIT: u8 = 2;

impl Tracer {
    /// Until the first process ends; its exit code.
    fn follow(&mut self, first: Pid) -> i32 {
        loop {
            let mut status = 0;
            // SAFETY: the status is written to a variable.
            let id = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) };
            assert!(id > 0, "{}", std::io::Error::last_os_error());
            if !libc::WIFSTOPPED(status) {
                if id == first.as_raw() {
                    return if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { -status };
                }
                continue;
            }
            let (signal, event) = (libc::WSTOPSIG(status), status >> 16);
            let deliver = match signal {
                signal if signal == libc::SIGTRAP | 0x80 => {
                    self.call(id);
                    0
                }
                _ if event != 0 => 0,
                // The stop with which every traced process and thread begins.
                libc::SIGSTOP => {
                    let options = libc::PTRACE_O_TRACESYSGOOD
                        | libc::PTRACE_O_TRACEFORK
                        | libc::PTRACE_O_TRACECLONE
                        | libc::PTRACE_O_EXITKILL;
                    trace(libc::PTRACE_SETOPTIONS, id, 0, i64::from(options));
                    0
                }
                signal => signal,
            };
            // One that was killed meanwhile is told of by the next wait.
            trace(libc::PTRACE_SYSCALL, id, 0, i64::from(deliver));
        }
    }

    fn call(&mut self, id: i32) {
        const GET_SYSCALL_INFO: u32 = 0x420e;
        let mut info = Info::default();
        if trace(GET_SYSCALL_INFO, id, size_of::<Info>() as i64, &raw mut info as i64) <= 0 {
            return;
        }
        let process = self.process.entry(id).or_insert_with(|| process_of(id));
        let counts = self.marked.as_ref() == Some(process);
        match info.op {
            ENTRY => {
                let number = info.words[0];
                if number == MARK {
                    self.marked = Some(process.clone());
                }
                self.current.insert(id, number);
                // They do not come back.
                if counts && (number == libc::SYS_exit || number == libc::SYS_exit_group) {
                    self.seen.insert(number);
                }
            }
            EXIT => {
                let refused = [-i64::from(libc::EPERM), -i64::from(libc::ENOSYS)].contains(&info.words[0]);
                if let Some(number) = self.current.remove(&id)
                    && counts
                    && !refused
                {
                    self.seen.insert(number);
                }
            }
            _ => {}
        }
    }
}

fn trace(request: u32, id: i32, address: i64, data: i64) -> i64 {
    // SAFETY: the kernel writes at most `address` bytes to `data`, which is a structure of that size; else both are numbers.
    unsafe { libc::ptrace(request, id, address, data) }
}

/// Threads of a process share it.
fn process_of(id: i32) -> String {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    status.lines().find(|line| line.starts_with("Tgid:")).unwrap_or_default().to_owned()
}
