//! Signals to others. SIGCONT harms nobody whom it reaches.

mod any_thread;
mod asynchronous_descriptor;
mod by_descriptor;
mod everybody;
mod extended_owner_of_a_descriptor;
mod group_of_a_neighbour;
mod init;
mod lease;
mod neighbour;
mod notification;
mod own_group;
mod owner_by_ioctl;
mod owner_of_a_descriptor;
mod queued;
mod queued_for_a_thread;
mod signal_of_a_descriptor;
mod thread_of_a_neighbour;
mod timer;
mod upper_bits;

acts! {
    any_thread
    asynchronous_descriptor
    by_descriptor
    everybody
    extended_owner_of_a_descriptor
    group_of_a_neighbour
    init
    lease
    neighbour
    notification
    own_group
    owner_by_ioctl
    owner_of_a_descriptor
    queued
    queued_for_a_thread
    signal_of_a_descriptor
    thread_of_a_neighbour
    timer
    upper_bits
}
