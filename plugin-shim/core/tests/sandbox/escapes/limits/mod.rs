//! Taking more than was given.

mod affinity;
mod disk_priority;
mod dump_a_core;
mod limit_of_a_neighbour;
mod limit_of_the_parent;
mod lower_a_limit;
mod raise_a_limit;
mod real_time;
mod scheduling_attributes;
mod scheduling_parameters;
mod setpriority;
#[cfg(target_arch = "x86_64")]
mod setrlimit;

acts! {
    affinity
    disk_priority
    dump_a_core
    limit_of_a_neighbour
    limit_of_the_parent
    lower_a_limit
    raise_a_limit
    real_time
    scheduling_attributes
    scheduling_parameters
    setpriority
    #[cfg(target_arch = "x86_64")]
    setrlimit
}
