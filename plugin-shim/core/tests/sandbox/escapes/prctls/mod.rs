//! What a process may say about itself, and should not.

mod adopt_orphans;
mod ambient_capability;
mod bounding_set;
mod catch_its_own_calls;
mod code_from_writable_memory;
mod death_wish;
mod dumpable;
mod keep_capabilities;
mod memory_layout;
mod privileges_by_exec;
mod secure_bits;
mod speculation;
mod timer_slack;
mod tracer;

acts! {
    adopt_orphans
    ambient_capability
    bounding_set
    catch_its_own_calls
    code_from_writable_memory
    death_wish
    dumpable
    keep_capabilities
    memory_layout
    privileges_by_exec
    secure_bits
    speculation
    timer_slack
    tracer
}
