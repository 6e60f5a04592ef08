//! Maps code of a file that it has written, once it is sealed.

use nix::errno::Errno;

use crate::escapes::act::{Act, Inside, Outside, Place, Stage, Verdict, call, open};

pub(super) const ACT: Act = Act {
    run,
    inside: Inside::Each(|mode, stage| match stage {
        // Without a root of its own there is no noexec; but before the seal every constructor is code of the plugin.
        Stage::Loading if mode.bare() => Verdict::Done,
        _ => Verdict::Refused(Errno::EPERM),
    }),
    outside: Outside::Done,
};

fn run(place: &Place) -> Result<i64, Errno> {
    let path = place.in_data("code");
    call!(SYS_ftruncate, open(&path, libc::O_CREAT | libc::O_RDWR)?, 4096).ok();
    let file = open(&path, libc::O_RDONLY)?;
    call!(SYS_mmap, 0, 4096, libc::PROT_READ | libc::PROT_EXEC, libc::MAP_PRIVATE, file, 0)
}
