//! The filters themselves.

mod filter_by_prctl;
mod filter_of_all_threads;
mod filter_of_one_thread;
mod filter_with_a_listener;
mod sizes_of_notifications;
mod strict_mode;

acts! {
    filter_by_prctl
    filter_of_all_threads
    filter_of_one_thread
    filter_with_a_listener
    sizes_of_notifications
    strict_mode
}
