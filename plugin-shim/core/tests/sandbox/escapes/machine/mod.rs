//! What is the machine's, and not any process's.

mod accounting;
mod adjust_a_clock;
mod adjust_the_clock;
mod clock;
mod domain_name;
mod flush_all_disks;
mod hang_up;
mod host_name;
mod kernel_log;
mod kexec;
mod kexec_from_a_file;
#[cfg(target_arch = "x86_64")]
mod library_of_old;
mod module;
mod module_from_a_file;
mod personality;
#[cfg(target_arch = "x86_64")]
mod ports;
mod quota;
mod reboot;
mod remove_a_module;
#[cfg(target_arch = "x86_64")]
mod segments;
#[cfg(target_arch = "x86_64")]
mod some_ports;
mod swap_off;
mod swap_on;
mod time_of_day;

acts! {
    accounting
    adjust_a_clock
    adjust_the_clock
    clock
    domain_name
    flush_all_disks
    hang_up
    host_name
    kernel_log
    kexec
    kexec_from_a_file
    #[cfg(target_arch = "x86_64")]
    library_of_old
    module
    module_from_a_file
    personality
    #[cfg(target_arch = "x86_64")]
    ports
    quota
    reboot
    remove_a_module
    #[cfg(target_arch = "x86_64")]
    segments
    #[cfg(target_arch = "x86_64")]
    some_ports
    swap_off
    swap_on
    time_of_day
}
