//! Files that are not the plugin's, and kinds of files that nobody should find.

mod cgroups;
mod chdir_and_open;
mod chmod_outside;
mod chmod_outside_by_descriptor;
mod chown;
mod climb_out_of_data;
mod create_outside;
mod dev_kernel_log;
mod dev_new_terminal;
mod dev_other;
mod dev_shared_memory;
mod dev_terminal;
mod device_node;
mod exchange_with_outside;
mod extended_attribute;
mod fchdir;
mod file_among_the_libraries;
mod file_in_the_root;
mod file_in_var_tmp;
mod file_of_a_neighbour;
mod handle_of_a_file;
mod hard_link;
mod link_a_nameless_file;
mod list_above_data;
mod list_home;
mod list_run;
mod list_the_root;
mod mkdir_outside;
mod move_out_of_data;
mod named_pipe;
mod open_a_handle;
mod open_unseen;
mod proc_core_pattern;
mod proc_maps;
mod proc_of_init;
mod proc_own_memory;
mod program_of_the_machine;
mod remove_outside;
mod remove_the_plugin;
mod replace_the_plugin;
mod setgid_directory;
mod setuid_by_descriptor;
mod setuid_by_name;
mod setuid_on_creation;
mod stat_outside;
mod symbolic_link;
mod sys_kernel;
mod touch_outside;
mod touch_outside_by_descriptor;
mod truncate_outside;
mod truncate_the_plugin;
mod users_of_the_machine;
mod write_outside;
mod write_the_plugin;

acts! {
    cgroups
    chdir_and_open
    chmod_outside
    chmod_outside_by_descriptor
    chown
    climb_out_of_data
    create_outside
    dev_kernel_log
    dev_new_terminal
    dev_other
    dev_shared_memory
    dev_terminal
    device_node
    exchange_with_outside
    extended_attribute
    fchdir
    file_among_the_libraries
    file_in_the_root
    file_in_var_tmp
    file_of_a_neighbour
    handle_of_a_file
    hard_link
    link_a_nameless_file
    list_above_data
    list_home
    list_run
    list_the_root
    mkdir_outside
    move_out_of_data
    named_pipe
    open_a_handle
    open_unseen
    proc_core_pattern
    proc_maps
    proc_of_init
    proc_own_memory
    program_of_the_machine
    remove_outside
    remove_the_plugin
    replace_the_plugin
    setgid_directory
    setuid_by_descriptor
    setuid_by_name
    setuid_on_creation
    stat_outside
    symbolic_link
    sys_kernel
    touch_outside
    touch_outside_by_descriptor
    truncate_outside
    truncate_the_plugin
    users_of_the_machine
    write_outside
    write_the_plugin
}
