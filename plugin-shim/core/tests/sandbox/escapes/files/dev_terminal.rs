//! Opens the terminal.

use nix::errno::Errno;

use crate::escapes::act::{Act, HIDDEN, Outside, open};

pub(super) const ACT: Act =
    Act { run: |_| open(c"/dev/tty", libc::O_RDWR), inside: HIDDEN, outside: Outside::Fails(Errno::ENXIO) };
