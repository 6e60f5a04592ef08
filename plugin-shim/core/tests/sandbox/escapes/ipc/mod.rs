//! Memory, messages and semaphores that are shared with everybody.

mod attach_shared_memory;
mod list_shared_memory;
mod messages;
mod posix_messages;
mod read_messages;
mod remove_posix_messages;
mod semaphore_operation;
mod semaphores;
mod shared_memory;

acts! {
    attach_shared_memory
    list_shared_memory
    messages
    posix_messages
    read_messages
    remove_posix_messages
    semaphore_operation
    semaphores
    shared_memory
}
