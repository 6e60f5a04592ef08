//! Another view of the machine, and privilege in it.

mod clone_into_a_net_namespace;
mod clone_into_a_user_namespace;
mod setns;
mod setns_of_a_process;
mod thread_in_a_namespace;
mod unshare_cgroup;
mod unshare_files;
mod unshare_ipc;
mod unshare_mount;
mod unshare_net;
mod unshare_pid;
mod unshare_time;
mod unshare_user;
mod unshare_uts;

acts! {
    clone_into_a_net_namespace
    clone_into_a_user_namespace
    setns
    setns_of_a_process
    thread_in_a_namespace
    unshare_cgroup
    unshare_files
    unshare_ipc
    unshare_mount
    unshare_net
    unshare_pid
    unshare_time
    unshare_user
    unshare_uts
}
