//! Another view of the files.

mod bind;
mod chroot;
mod fsconfig;
mod fsmount;
mod fsopen;
mod fspick;
mod list_mounts;
mod mount;
mod mount_attributes;
mod move_mount;
mod open_tree;
mod pivot_root;
mod proc;
mod propagate;
mod remount;
mod unmount;

acts! {
    bind
    chroot
    fsconfig
    fsmount
    fsopen
    fspick
    list_mounts
    mount
    mount_attributes
    move_mount
    open_tree
    pivot_root
    proc
    propagate
    remount
    unmount
}
