//! Memory that becomes code, or is not its own.

mod bind_memory;
mod code_by_key;
mod code_from_data;
mod code_from_the_plugin;
mod key;
mod lock_all_memory;
mod lock_memory;
mod map_code;
mod map_writable_code;
mod memory_policy;
mod migrate_pages_of_a_neighbour;
mod move_pages_of_a_neighbour;
mod nameless_file;
mod nameless_program;
mod remap_pages;
mod secret_memory;
mod written_becomes_code;
mod written_becomes_only_code;
mod written_becomes_writable_code;

acts! {
    bind_memory
    code_by_key
    code_from_data
    code_from_the_plugin
    key
    lock_all_memory
    lock_memory
    map_code
    map_writable_code
    memory_policy
    migrate_pages_of_a_neighbour
    move_pages_of_a_neighbour
    nameless_file
    nameless_program
    remap_pages
    secret_memory
    written_becomes_code
    written_becomes_only_code
    written_becomes_writable_code
}
