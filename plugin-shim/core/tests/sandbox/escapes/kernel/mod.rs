//! The kernel's larger doors, where most of the holes were found.

mod add_key;
mod asynchronous_io;
mod bpf;
mod fanotify;
mod inotify;
mod io_uring;
mod io_uring_enter;
mod io_uring_register;
mod landlock_restrict;
mod landlock_rules;
mod perf_event;
mod request_key;
mod session_keyring;
mod userfaultfd;

acts! {
    add_key
    asynchronous_io
    bpf
    fanotify
    inotify
    io_uring
    io_uring_enter
    io_uring_register
    landlock_restrict
    landlock_rules
    perf_event
    request_key
    session_keyring
    userfaultfd
}
