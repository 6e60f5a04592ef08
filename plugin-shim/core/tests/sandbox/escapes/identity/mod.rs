//! Becoming somebody else.

mod capget;
mod capset;
mod setfsuid;
mod setgid;
mod setgroups;
mod setresuid;
mod setreuid;
mod setuid;

acts! {
    capget
    capset
    setfsuid
    setgid
    setgroups
    setresuid
    setreuid
    setuid
}
