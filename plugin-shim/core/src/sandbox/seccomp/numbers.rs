//! The numbers of the calls by their names.

pub(super) use libc::*;

/// The C library's crate does not have these on aarch64 yet. What stands here goes before what it will have.
#[cfg(target_arch = "aarch64")]
mod missing {
    pub(in super::super) const SYS_RENAMEAT: i64 = 38;
    pub(in super::super) const SYS_SETRLIMIT: i64 = 164;
}

#[cfg(target_arch = "aarch64")]
pub(super) use missing::{SYS_RENAMEAT as SYS_renameat, SYS_SETRLIMIT as SYS_setrlimit};
