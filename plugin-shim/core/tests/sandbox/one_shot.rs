//! The inspection of an artifact, in a process of its own that has given up everything.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::ForkResult;
use valor_shim_core::inspect;

use crate::harness::{Case, Jail, Mode};

pub(crate) fn cases() -> Vec<Case> {
    vec![("inspects_a_library_and_a_text", inspects_a_library_and_a_text)]
}

fn inspects_a_library_and_a_text(mode: Mode) {
    let jail = Jail::new(mode);
    let of = |name: &str| -> serde_json::Value {
        let answer = one_shot(&jail, name);
        serde_json::from_str(&answer).expect(&answer)
    };
    let library = of("artifact");
    assert_eq!(library["kind"], "native");
    assert_eq!(library["arch"], std::env::consts::ARCH);
    assert_eq!(library["problem"]["step"], "entry", "{library}");
    let text = of("outside");
    assert_eq!(text["problem"]["step"], "format");
    assert_eq!(text["problem"]["message"], "it is not a native library but a text file");
}

fn one_shot(jail: &Jail, name: &str) -> String {
    let (mut answer, theirs) = std::io::pipe().unwrap();
    let artifact = File::open(jail.path(name)).unwrap();
    // SAFETY: the harness has one thread.
    match unsafe { nix::unistd::fork() }.unwrap() {
        ForkResult::Child => {
            jail.become_user();
            // SAFETY: standard input is replaced.
            unsafe { libc::dup2(artifact.as_raw_fd(), 0) };
            // SAFETY: standard output is replaced.
            unsafe { libc::dup2(theirs.as_raw_fd(), 1) };
            let code = match inspect::native() {
                Ok(()) => 0,
                Err(error) => {
                    eprintln!("{error}");
                    1
                }
            };
            // Whatever it parsed can do nothing any more.
            let free = File::open("/etc/passwd").is_ok() || std::net::UdpSocket::bind("127.0.0.1:0").is_ok();
            // SAFETY: ends the process, without the destructors of what belongs to the parent.
            unsafe { libc::_exit(if free { 98 } else { code }) }
        }
        ForkResult::Parent { child } => {
            drop(theirs);
            let mut text = String::new();
            answer.read_to_string(&mut text).unwrap();
            assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 0), "{text}");
            text
        }
    }
}
