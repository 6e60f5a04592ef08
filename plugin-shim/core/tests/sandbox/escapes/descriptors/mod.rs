//! Data moved between descriptors inside the kernel.

mod copy_file_range;
mod leaked_directory;
mod sendfile;
mod signalfd;
mod splice;
mod tee;
mod vmsplice;

acts! {
    copy_file_range
    leaked_directory
    sendfile
    signalfd
    splice
    tee
    vmsplice
}
