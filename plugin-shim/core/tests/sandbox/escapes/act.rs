//! An act, and how it says what should become of it.

use std::ffi::{CStr, CString};

use nix::errno::Errno;
use nix::sys::signal::Signal;

use crate::harness::Mode;

/// One forbidden act.
pub(crate) struct Act {
    /// Tries it. What the kernel returns when it works is of no interest: a descriptor, a count.
    pub(crate) run: fn(&Place) -> Result<i64, Errno>,
    /// What becomes of it in the sandbox.
    pub(crate) inside: Inside,
    /// What becomes of it without, where it is root's.
    pub(crate) outside: Outside,
}

/// Acts by the names of their files.
pub(crate) type Acts = &'static [(&'static str, Act)];

/// Where an act is tried, seen from there.
pub(crate) struct Place {
    /// The plugin's own directory.
    pub(crate) data: CString,
    /// What was loaded.
    pub(crate) plugin: CString,
    /// A file outside that is the same user's, in a directory that is, too.
    pub(crate) secret: CString,
    /// A process that is none of the plugin's, and leads a group.
    pub(crate) neighbour: i32,
}

impl Place {
    /// A path in the plugin's own directory.
    pub(crate) fn in_data(&self, name: &str) -> CString {
        beside(&self.data, name)
    }

    /// A path in the directory of the file outside.
    pub(crate) fn in_outside(&self, name: &str) -> CString {
        beside(&self.secret, &format!("../{name}"))
    }
}

fn beside(path: &CStr, name: &str) -> CString {
    let mut bytes = path.to_bytes().to_vec();
    let up = name.strip_prefix("../");
    if up.is_some() {
        bytes.truncate(bytes.iter().rposition(|b| *b == b'/').unwrap());
    }
    bytes.push(b'/');
    bytes.extend(up.unwrap_or(name).bytes());
    CString::new(bytes).unwrap()
}

/// What became of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Done,
    Refused(Errno),
    Killed(Signal),
}

/// When an act is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// While the library is loaded, as its constructors run.
    Loading,
    /// When the process is sealed, as its functions run.
    Sealed,
}

/// What becomes of an act in the sandbox.
pub(crate) enum Inside {
    Always(Verdict),
    /// With a root of its own, and with the machine's, where only Landlock hides what is outside.
    ByRoot {
        own: Verdict,
        machine: Verdict,
    },
    /// Before and after the seal.
    ByStage {
        loading: Verdict,
        sealed: Verdict,
    },
    Each(fn(Mode, Stage) -> Verdict),
}

/// The filter refuses it.
pub(crate) const FORBIDDEN: Inside = Inside::Always(Verdict::Refused(Errno::EPERM));
/// As if the kernel had no such call.
pub(crate) const UNKNOWN: Inside = Inside::Always(Verdict::Refused(Errno::ENOSYS));
/// A path outside is not there, or not to be opened.
pub(crate) const HIDDEN: Inside =
    Inside::ByRoot { own: Verdict::Refused(Errno::ENOENT), machine: Verdict::Refused(Errno::EACCES) };

impl Inside {
    pub(crate) fn verdict(&self, mode: Mode, stage: Stage) -> Verdict {
        match *self {
            Self::Always(verdict) => verdict,
            Self::ByRoot { own, machine } => {
                if mode.bare() {
                    machine
                } else {
                    own
                }
            }
            Self::ByStage { loading, sealed } => match stage {
                Stage::Loading => loading,
                Stage::Sealed => sealed,
            },
            Self::Each(verdict) => verdict(mode, stage),
        }
    }
}

/// What becomes of an act outside of the sandbox, so that a broken one does not pass for a refused one.
#[derive(Debug)]
pub(crate) enum Outside {
    /// It works.
    Done,
    /// The kernel itself says this to it: the arguments are such that it does no harm.
    Fails(Errno),
    /// What the kernel says depends on how it was built, but not what the sandbox says.
    Otherwise,
    /// Nobody dares, or it would prove nothing; the reason.
    NotTried(&'static str),
}

/// A raw system call by its name in `libc`; the arguments may be any integer, pointer or C string.
macro_rules! call {
    ($number:ident $(, $argument:expr)* $(,)?) => {
        $crate::escapes::act::raw(libc::$number, &[$($crate::escapes::act::Word::word($argument)),*])
    };
}
pub(crate) use call;

/// Opens a path.
pub(crate) fn open(path: &CStr, flags: i32) -> Result<i64, Errno> {
    call!(SYS_openat, libc::AT_FDCWD, path, flags, 0o600)
}

/// A fresh page to read and to write.
pub(crate) fn page() -> Result<i64, Errno> {
    call!(
        SYS_mmap,
        0,
        4096,
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
        -1,
        0
    )
}

/// A pair of Unix sockets, the first of which is returned.
pub(crate) fn socket(kind: i32) -> i64 {
    let mut pair = [0_i32; 2];
    call!(SYS_socketpair, libc::AF_UNIX, kind, 0, pair.as_mut_ptr()).unwrap();
    pair[0].into()
}

/// What came of starting a process; the new one ends at once.
pub(crate) fn ended(started: Result<i64, Errno>) -> Result<i64, Errno> {
    if started == Ok(0) {
        // SAFETY: ends the child, without the destructors of what belongs to the parent.
        unsafe { libc::_exit(0) }
    }
    started
}

/// A system call by its number.
pub(crate) fn raw(number: i64, arguments: &[i64]) -> Result<i64, Errno> {
    let mut a = [0; 6];
    a[..arguments.len()].copy_from_slice(arguments);
    // SAFETY: pointers among the arguments are of values that outlive the call, and each act says what it passes; the process is
    // thrown away afterwards.
    Errno::result(unsafe { libc::syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]) })
}

/// What fits into a register.
pub(crate) trait Word {
    fn word(self) -> i64;
}

macro_rules! words {
    ($($integer:ty)*) => {
        $(impl Word for $integer {
            fn word(self) -> i64 {
                self as i64
            }
        })*
    };
}
words!(i32 u32 i64 u64 usize);

impl<T> Word for *const T {
    fn word(self) -> i64 {
        self as i64
    }
}

impl<T> Word for *mut T {
    fn word(self) -> i64 {
        self as i64
    }
}

impl Word for &CStr {
    fn word(self) -> i64 {
        self.as_ptr() as i64
    }
}

impl Word for &CString {
    fn word(self) -> i64 {
        self.as_ptr() as i64
    }
}
