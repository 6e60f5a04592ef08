//! Switches its echo off.

use nix::errno::Errno;

use crate::escapes::act::{Act, FORBIDDEN, Outside, Place, call};

pub(super) const ACT: Act = Act { run, inside: FORBIDDEN, outside: Outside::Done };

fn run(_: &Place) -> Result<i64, Errno> {
    let mut settings = [0_u8; 64];
    call!(SYS_ioctl, 0, libc::TCGETS, settings.as_mut_ptr())?;
    call!(SYS_ioctl, 0, libc::TCSETS, settings.as_ptr())
}
