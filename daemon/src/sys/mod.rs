//! The only code of the daemon that knows the operating system: small safe wrappers, nothing of plugins.

pub mod cgroup;
pub mod creds;
pub mod host;
pub mod limits;
pub mod proc;
pub mod process;
pub mod ready;
pub mod schedule;
pub mod spawn;
pub mod systemd;
pub mod users;
