//! Other processes: making them, and looking into them.

mod advise_about_a_neighbour;
mod barrier;
mod be_traced;
mod clone;
mod clone3;
mod clone_a_sibling;
mod clone_untraced;
mod clone_with_upper_bits;
#[cfg(target_arch = "x86_64")]
mod code_of_32_bits;
mod compare_with_a_neighbour;
mod descriptor_of_a_neighbour;
mod execve;
mod execve_of_a_descriptor;
#[cfg(target_arch = "x86_64")]
mod fork;
mod hold_a_neighbour;
mod new_group;
mod new_session;
#[cfg(target_arch = "x86_64")]
mod numbers_of_x32;
mod read_a_neighbour;
mod reap_the_memory_of_a_neighbour;
mod trace_a_neighbour;
#[cfg(target_arch = "x86_64")]
mod vfork;
mod wait_for_a_neighbour;
mod write_to_a_neighbour;

acts! {
    advise_about_a_neighbour
    barrier
    be_traced
    clone
    clone3
    clone_a_sibling
    clone_untraced
    clone_with_upper_bits
    #[cfg(target_arch = "x86_64")]
    code_of_32_bits
    compare_with_a_neighbour
    descriptor_of_a_neighbour
    execve
    execve_of_a_descriptor
    #[cfg(target_arch = "x86_64")]
    fork
    hold_a_neighbour
    new_group
    new_session
    #[cfg(target_arch = "x86_64")]
    numbers_of_x32
    read_a_neighbour
    reap_the_memory_of_a_neighbour
    trace_a_neighbour
    #[cfg(target_arch = "x86_64")]
    vfork
    wait_for_a_neighbour
    write_to_a_neighbour
}
