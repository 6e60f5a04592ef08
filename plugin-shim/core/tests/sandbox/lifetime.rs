//! Codes are passed on, and nothing outlives its parent.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};

use crate::harness::{Case, Jail, Mode, Running};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        ("exit_code_is_passed_on", exit_code_is_passed_on),
        ("signal_is_128_and_its_number", signal_is_128_and_its_number),
        ("ends_when_valord_hangs_up", ends_when_valord_hangs_up),
        ("ends_when_the_outer_process_is_killed", ends_when_the_outer_process_is_killed),
    ]
}

fn exit_code_is_passed_on(mode: Mode) {
    assert_eq!(Jail::new(mode).start(|_, _| 7).wait(), 7);
}

fn signal_is_128_and_its_number(mode: Mode) {
    let running = Jail::new(mode).start(|_, _| std::process::abort());
    assert_eq!(running.wait(), 128 + libc::SIGABRT);
}

/// A plugin process that says that it runs, and then never ends by itself.
fn endless(mode: Mode) -> Running {
    let mut running = Jail::new(mode).start(|_, fds| {
        // SAFETY: writes one byte of a constant.
        unsafe { libc::send(fds.data[0], b"x".as_ptr().cast(), 1, 0) };
        loop {
            // SAFETY: waits for no descriptor at all.
            unsafe { libc::poll(std::ptr::null_mut(), 0, -1) };
        }
    });
    let mut byte = [0];
    running.data.read_exact(&mut byte).unwrap();
    running
}

fn ends_when_valord_hangs_up(mode: Mode) {
    let mut running = endless(mode);
    drop(std::mem::replace(&mut running.control, UnixStream::pair().unwrap().0));
    running.plugin_gone();
    assert_eq!(running.wait(), i32::from(valor_wire::control::HUNG_UP));
}

fn ends_when_the_outer_process_is_killed(mode: Mode) {
    let mut running = endless(mode);
    assert!(running.outer.as_raw() > 1);
    kill(running.outer, Signal::SIGKILL).unwrap();
    running.plugin_gone();
    assert_eq!(
        waitpid(running.outer, None).unwrap(),
        WaitStatus::Signaled(running.outer, Signal::SIGKILL, false)
    );
    assert!(running.control.write(b"x").is_err() || running.data.write(b"x").is_err());
}
