//! Starts programs with exactly the descriptors they are meant to have, and nothing else of the daemon's.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::OnceLock;

use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::{SigSet, Signal};

use super::process::Child;

/// What to start.
#[derive(Debug)]
pub struct Spec<'a> {
    /// The program, by its path.
    pub program: &'a Path,
    /// Its arguments, without the program's name.
    pub args: &'a [&'a str],
    /// Descriptors 0, 1 and 2.
    pub stdio: [BorrowedFd<'a>; 3],
    /// Descriptors from 3 on.
    pub extra: &'a [BorrowedFd<'a>],
}

/// Starts a program: no environment, no signal blocked or ignored. Needs a tokio runtime.
///
/// # Errors
/// When the system refuses; nothing is left behind then.
pub fn spawn(spec: &Spec<'_>) -> io::Result<Child> {
    let wanted = spec.stdio.len() + spec.extra.len();
    let above = RawFd::try_from(wanted).map_err(|_| io::ErrorKind::InvalidInput)?;
    // Moved out of the way first, so that no target overwrites a source. These copies end at the exec.
    let copies = spec.stdio.iter().chain(spec.extra);
    let copies =
        copies.map(|fd| rustix::io::fcntl_dupfd_cloexec(fd, above)).collect::<Result<Vec<OwnedFd>, _>>()?;
    let mut actions = PosixSpawnFileActions::init()?;
    for &fd in inherited() {
        actions.add_close(fd)?;
    }
    for (target, copy) in (0..above).zip(&copies) {
        actions.add_dup2(copy.as_fd().as_raw_fd(), target)?;
    }

    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_flags(PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK)?;
    attributes.set_sigmask(&SigSet::empty())?;
    let mut defaults = SigSet::all();
    defaults.remove(Signal::SIGKILL);
    defaults.remove(Signal::SIGSTOP);
    attributes.set_sigdefault(&defaults)?;

    let name = spec.program.file_name().unwrap_or(spec.program.as_os_str());
    let mut args = vec![CString::new(name.as_bytes())?];
    for arg in spec.args {
        args.push(CString::new(*arg)?);
    }
    let pid = posix_spawn(spec.program, &actions, &attributes, &args, &[] as &[CString])?;
    Child::adopt(pid.as_raw())
}

/// Descriptors that the daemon was started with: its own are all close-on-exec.
fn inherited() -> &'static [RawFd] {
    static INHERITED: OnceLock<Vec<RawFd>> = OnceLock::new();
    INHERITED.get_or_init(|| {
        let open = std::fs::read_dir("/proc/self/fdinfo").into_iter().flatten().flatten();
        let numbers = open.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers.filter(|&fd| fd > 2 && !closes_on_exec(fd)).collect()
    })
}

fn closes_on_exec(fd: RawFd) -> bool {
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap_or_default();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| i32::from_str_radix(flags.trim(), 8).ok());
    // One that was closed meanwhile is none to close.
    flags.is_none_or(|flags| flags & nix::fcntl::OFlag::O_CLOEXEC.bits() != 0)
}

/// `/dev/null`, to be read.
///
/// # Errors
/// When it cannot be opened.
pub fn null() -> io::Result<OwnedFd> {
    Ok(std::fs::File::open("/dev/null")?.into())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::super::process::Exit;
    use super::*;

    async fn output(script: &str, extra: &[BorrowedFd<'_>]) -> (String, Exit) {
        let (mut reader, writer) = io::pipe().unwrap();
        let null = null().unwrap();
        let stdio = [null.as_fd(), writer.as_fd(), writer.as_fd()];
        let spec = Spec { program: Path::new("/bin/sh"), args: &["-c", script], stdio, extra };
        let mut child = spawn(&spec).unwrap();
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        (text, child.wait().await)
    }

    #[tokio::test]
    async fn the_child_has_its_descriptors_and_no_others() {
        // Low numbers that a careless order of dup2 would overwrite, and one that is not close-on-exec by accident.
        let file = std::fs::File::open("/etc/passwd").unwrap();
        let (text, exit) =
            output("ls -1 /proc/self/fd | wc -l; read x <&3; echo $x", &[file.as_fd(), file.as_fd()]).await;
        let lines: Vec<_> = text.lines().collect();
        // 0, 1, 2, 3, 4 and the directory that ls reads.
        assert_eq!(lines[0].trim(), "6", "{text}");
        assert!(lines[1].starts_with("root:"), "{text}");
        assert_eq!(exit, Exit::Code(0));
    }

    #[tokio::test]
    async fn the_child_has_no_environment_and_no_ignored_signal() {
        let (text, _) =
            output("cat /proc/self/environ | wc -c; grep -E 'Sig(Ign|Blk)' /proc/self/status", &[]).await;
        let words: Vec<_> = text.split_whitespace().collect();
        assert!(words[0].parse::<usize>().unwrap() < 64, "only what the shell sets itself: {text}");
        // 32 and 33 are glibc's own, and stay ignored until it needs them.
        assert_eq!([words[2], words[4]], ["0000000000000000", "0000000180000000"], "{text}");
    }

    #[tokio::test]
    async fn a_missing_program_is_an_error() {
        let null = null().unwrap();
        let fd = null.as_fd();
        let spec = Spec { program: Path::new("/nowhere/shim"), args: &[], stdio: [fd; 3], extra: &[] };
        assert_eq!(spawn(&spec).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
