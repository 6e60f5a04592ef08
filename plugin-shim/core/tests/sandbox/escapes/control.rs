//! The control: an act outside of the sandbox, as root, where it cannot reach the machine.
//!
//! ```text
//! the test
//!   └─ outer      makes namespaces
//!        └─ init  PID 1 in there: reaps; all others end with it
//!             ├─ neighbour   whom the act is about; leads a group
//!             └─ actor       does it
//! ```

use std::fs::File;
use std::io::{PipeWriter, Read, Write};
use std::os::fd::AsRawFd;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, setpgid, setsid};

use super::act::{Act, Place, Verdict};
use super::attempt::{c_path, say, terminal, verdict};
use crate::harness::{Jail, Mode};

/// What becomes of it.
pub(super) fn outside(act: &Act) -> String {
    let jail = Jail::new(Mode::Root);
    let (_master, slave) = terminal();
    let (mut answer, to_test) = std::io::pipe().unwrap();
    let outer = in_child(|| {
        unshare(
            CloneFlags::CLONE_NEWNS
                | CloneFlags::CLONE_NEWPID
                | CloneFlags::CLONE_NEWNET
                | CloneFlags::CLONE_NEWIPC
                | CloneFlags::CLONE_NEWUTS
                | CloneFlags::CLONE_NEWCGROUP,
        )
        .unwrap();
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>).unwrap();
        // SAFETY: replaces standard input.
        unsafe { libc::dup2(slave.as_raw_fd(), 0) };
        let init = in_child(|| init(act, &jail, &to_test));
        waitpid(init, None).unwrap();
    });
    drop(to_test);
    let mut text = String::new();
    answer.read_to_string(&mut text).unwrap();
    waitpid(outer, None).unwrap();
    text
}

fn init(act: &Act, jail: &Jail, mut to_test: &PipeWriter) {
    // Whatever hangs up a terminal finds none.
    setsid().unwrap();
    let (ready, tell) = std::io::pipe().unwrap();
    let neighbour = in_child(move || {
        setpgid(Pid::from_raw(0), Pid::from_raw(0)).unwrap();
        drop(tell);
        loop {
            nix::unistd::pause();
        }
    });
    // Ends when the neighbour leads its group.
    File::from(std::os::fd::OwnedFd::from(ready)).read_to_end(&mut Vec::new()).unwrap();
    let place = Place {
        data: c_path(&jail.path("data")),
        plugin: c_path(&jail.path("artifact")),
        secret: c_path(&jail.path("neighbour/file")),
        neighbour: neighbour.as_raw(),
    };
    let actor = in_child(|| to_test.write_all(say(verdict(act, &place)).as_bytes()).unwrap());
    if let WaitStatus::Signaled(_, signal, _) = waitpid(actor, None).unwrap() {
        to_test.write_all(say(Verdict::Killed(signal)).as_bytes()).unwrap();
    }
}

fn in_child(work: impl FnOnce()) -> Pid {
    // SAFETY: the harness has one thread.
    match unsafe { nix::unistd::fork() }.unwrap() {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_ok();
            // SAFETY: ends the process, without the destructors of what belongs to the parent.
            unsafe { libc::_exit(i32::from(!done)) }
        }
    }
}
