//! Maps code of its own artifact. Loading is just this.

use nix::errno::Errno;

use crate::escapes::act::{Act, Inside, Outside, Place, Verdict, call, open};

pub(super) const ACT: Act = Act {
    run,
    inside: Inside::ByStage { loading: Verdict::Done, sealed: Verdict::Refused(Errno::EPERM) },
    outside: Outside::Done,
};

fn run(place: &Place) -> Result<i64, Errno> {
    let file = open(&place.plugin, libc::O_RDONLY)?;
    call!(SYS_mmap, 0, 4096, libc::PROT_READ | libc::PROT_EXEC, libc::MAP_PRIVATE, file, 0)
}
