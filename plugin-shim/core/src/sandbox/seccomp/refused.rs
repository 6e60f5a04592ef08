//! Calls that are answered with EPERM, as programs expect of a sandbox. What is neither here nor in the table is answered
//! with ENOSYS, as an older kernel would, so that libraries fall back.

use super::numbers;

macro_rules! refused {
    ($($(#[$cfg:meta])? $syscall:ident)*) => {
        &[$($(#[$cfg])? (numbers::$syscall, stringify!($syscall))),*]
    };
}

/// Numbers and names.
pub static REFUSED: &[(i64, &str)] = refused! {
    // Processes.
    #[cfg(target_arch = "x86_64")]
    SYS_fork
    #[cfg(target_arch = "x86_64")]
    SYS_vfork
    SYS_execve SYS_execveat SYS_wait4 SYS_waitid SYS_setsid SYS_setpgid
    SYS_tkill SYS_rt_sigqueueinfo SYS_rt_tgsigqueueinfo
    SYS_ptrace SYS_process_vm_readv SYS_process_vm_writev SYS_process_madvise SYS_process_mrelease SYS_kcmp
    SYS_pidfd_open SYS_pidfd_getfd SYS_pidfd_send_signal
    SYS_setpriority SYS_sched_setaffinity SYS_sched_setscheduler SYS_sched_setparam SYS_sched_setattr SYS_ioprio_set
    SYS_setrlimit SYS_personality SYS_membarrier

    // Identity.
    SYS_setuid SYS_setgid SYS_setreuid SYS_setregid SYS_setresuid SYS_setresgid SYS_setfsuid SYS_setfsgid SYS_setgroups
    SYS_capget SYS_capset

    // Sockets.
    SYS_socket SYS_bind SYS_listen SYS_accept SYS_accept4 SYS_connect
    SYS_sendmsg SYS_recvmsg SYS_sendmmsg SYS_recvmmsg SYS_setsockopt SYS_getsockname SYS_getpeername

    // Files that are not the plugin's, and odd kinds of files.
    SYS_chroot SYS_pivot_root SYS_mount SYS_umount2 SYS_mount_setattr SYS_open_tree SYS_move_mount
    SYS_fsopen SYS_fsconfig SYS_fsmount SYS_fspick
    SYS_unshare SYS_setns SYS_swapon SYS_swapoff SYS_quotactl SYS_quotactl_fd SYS_acct SYS_sync
    SYS_open_by_handle_at SYS_name_to_handle_at SYS_fanotify_init SYS_fanotify_mark
    #[cfg(target_arch = "x86_64")]
    SYS_inotify_init
    SYS_inotify_init1 SYS_inotify_add_watch SYS_inotify_rm_watch
    #[cfg(target_arch = "x86_64")]
    SYS_chown
    #[cfg(target_arch = "x86_64")]
    SYS_lchown
    SYS_fchown SYS_fchownat
    #[cfg(target_arch = "x86_64")]
    SYS_link
    SYS_linkat
    #[cfg(target_arch = "x86_64")]
    SYS_symlink
    SYS_symlinkat
    #[cfg(target_arch = "x86_64")]
    SYS_mknod
    SYS_mknodat
    SYS_setxattr SYS_lsetxattr SYS_fsetxattr SYS_removexattr SYS_lremovexattr SYS_fremovexattr

    // Memory that is code, or not this process's.
    SYS_memfd_create SYS_memfd_secret SYS_pkey_mprotect SYS_pkey_alloc SYS_pkey_free SYS_remap_file_pages
    SYS_mlock SYS_mlock2 SYS_mlockall SYS_munlock SYS_munlockall SYS_mbind SYS_move_pages SYS_migrate_pages
    SYS_userfaultfd

    // The kernel's larger doors.
    SYS_bpf SYS_perf_event_open SYS_io_uring_setup SYS_io_uring_enter SYS_io_uring_register
    SYS_io_setup SYS_io_submit SYS_keyctl SYS_add_key SYS_request_key
    SYS_landlock_create_ruleset SYS_landlock_add_rule SYS_landlock_restrict_self
    SYS_shmget SYS_shmat SYS_shmctl SYS_shmdt SYS_semget SYS_semop SYS_semctl SYS_semtimedop
    SYS_msgget SYS_msgsnd SYS_msgrcv SYS_msgctl
    SYS_mq_open SYS_mq_unlink SYS_mq_timedsend SYS_mq_timedreceive SYS_mq_notify SYS_mq_getsetattr

    // The machine.
    SYS_reboot SYS_kexec_load SYS_kexec_file_load SYS_init_module SYS_finit_module SYS_delete_module
    SYS_syslog SYS_settimeofday SYS_clock_settime SYS_adjtimex SYS_clock_adjtime SYS_sethostname SYS_setdomainname
    SYS_vhangup
    #[cfg(target_arch = "x86_64")]
    SYS_iopl
    #[cfg(target_arch = "x86_64")]
    SYS_ioperm
    #[cfg(target_arch = "x86_64")]
    SYS_modify_ldt
};
