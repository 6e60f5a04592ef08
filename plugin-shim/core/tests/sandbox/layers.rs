//! What is reported, and whether it is so.

use std::fs;

use valor_shim_core::report::ORDER;
use valor_wire::control::LayerStatus;

use crate::harness::{Case, Jail, Mode, plugin_uid};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        ("reports_every_layer", reports_every_layer),
        ("kernel_agrees_from_outside", kernel_agrees_from_outside),
        ("nothing_is_inherited", nothing_is_inherited),
        ("refuses_a_root_identity", refuses_a_root_identity),
    ]
}

/// This machine has all: kernel 6.12 or later, user namespaces, Landlock. Where it has not, the test says so by failing.
fn reports_every_layer(mode: Mode) {
    Jail::new(mode).assert(|confined| {
        let names: Vec<&str> = confined.reports.iter().map(|r| r.layer.as_str()).collect();
        let mut failures = Vec::new();
        if names != ORDER {
            failures.push(format!("{names:?}"));
        }
        for report in &confined.reports {
            let layer = report.layer.as_str();
            let namespace = layer.ends_with("-namespace");
            let expected = match (layer, mode) {
                ("user-namespace", Mode::Root) => LayerStatus::Absent,
                ("root-filesystem", mode) if mode.bare() => LayerStatus::Absent,
                (_, mode) if mode.bare() && namespace => LayerStatus::Absent,
                ("uid", Mode::User | Mode::UserBare) => LayerStatus::Partial,
                _ => LayerStatus::Full,
            };
            if report.status != expected {
                failures.push(format!("{report:?}"));
            }
            if report.status != LayerStatus::Full && report.reason.is_empty() {
                failures.push(format!("{layer} gives no reason"));
            }
        }
        failures
    });
}

/// What valord checks too: the kernel's own view of the plugin process.
fn kernel_agrees_from_outside(mode: Mode) {
    let mut running = Jail::new(mode).start(|confined, fds| {
        crate::harness::send(fds.control, &[confined.reports.len().to_string()]);
        // Until the test has looked.
        wait_for_end(fds.data[0]);
        0
    });
    // One line: the process is confined by now.
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(&running.control), &mut line).unwrap();
    assert_eq!(line.trim(), ORDER.len().to_string());
    let child = |pid: &str| {
        let children =
            fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("CONFIG_PROC_CHILDREN");
        children.trim().to_owned()
    };
    let outer = running.outer.to_string();
    let init = child(&outer);
    let plugin = child(&init);
    let status = |pid: &str, field: &str| {
        let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = text.lines().find(|l| l.starts_with(&format!("{field}:"))).unwrap_or_default().to_owned();
        line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    let policy = |pid: &str| {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        text.rsplit(") ").next().unwrap().split(' ').nth(38).unwrap().parse::<i32>().unwrap()
    };
    for pid in [&outer, &init, &plugin] {
        assert_eq!(policy(pid), libc::SCHED_BATCH, "{mode:?} {pid}");
        assert_eq!(status(pid, "NoNewPrivs"), "1", "{mode:?} {pid}");
        assert_eq!(status(pid, "Seccomp"), "2");
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            assert_eq!(status(pid, set), "0000000000000000", "{set}");
        }
    }
    let bounding_can_be_emptied = mode != Mode::UserBare;
    if bounding_can_be_emptied {
        assert_eq!(status(&plugin, "CapBnd"), "0000000000000000");
    }
    if mode.root() {
        let own = [plugin_uid().to_string().as_str(); 4].join(" ");
        assert_eq!((status(&plugin, "Uid"), status(&plugin, "Gid")), (own.clone(), own.clone()));
        assert_eq!((status(&plugin, "Groups"), status(&init, "Uid")), (String::new(), own));
    }
    assert_eq!(status(&plugin, "Name"), "jail-test");
    if !mode.bare() {
        let privileged = nix::unistd::Uid::effective().is_root();
        assert!(status(&plugin, "NSpid").ends_with(" 2"), "{}", status(&plugin, "NSpid"));
        if !privileged {
            eprintln!(
                "NOT TESTED: an ordinary user cannot read the namespaces of a process that is not dumpable"
            );
        }
        for kind in ["mnt", "pid", "net", "ipc", "uts", "cgroup"].iter().filter(|_| privileged) {
            let of = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap();
            assert_ne!(of(&plugin), of("self"), "{kind}");
        }
    }
    drop(std::mem::replace(&mut running.data, std::os::unix::net::UnixStream::pair().unwrap().0));
    assert_eq!(running.wait(), 0);
}

fn wait_for_end(fd: i32) {
    let mut byte = 0_u8;
    // SAFETY: reads one byte into a variable that lives long enough.
    while unsafe { libc::recv(fd, (&raw mut byte).cast(), 1, 0) } > 0 {}
}

fn nothing_is_inherited(mode: Mode) {
    let directory = fs::File::open("/").unwrap();
    let leaked = std::os::fd::AsRawFd::as_raw_fd(&directory);
    Jail::new(mode).assert(|_| {
        let mut failures = Vec::new();
        // SAFETY: only integers are passed.
        if unsafe { libc::fcntl(leaked, libc::F_GETFD) } != -1 {
            failures.push("a descriptor of a directory leaks in".to_owned());
        }
        // SAFETY: only integers are passed.
        let is_open = |fd: &i32| unsafe { libc::fcntl(*fd, libc::F_GETFD) } != -1;
        let open: Vec<i32> = (0..1024).filter(is_open).collect();
        // Standard input, output and error, the control socket and a data socket.
        if open.len() != 5 || open[..3] != [0, 1, 2] || !open[3..].iter().all(|fd| is_socket(*fd)) {
            failures.push(format!("open are {open:?}"));
        }
        if std::env::var("GRANTED").as_deref() != Ok("yes") {
            failures.push("the granted variable is missing".to_owned());
        }
        failures
    });
}

/// Whether the kernel takes it for a socket.
fn is_socket(fd: i32) -> bool {
    let (mut kind, mut length) = (0_i32, 4_u32);
    let kind = (&raw mut kind).cast();
    // SAFETY: an integer of four bytes is written to a variable of that size.
    unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_TYPE, kind, &raw mut length) == 0 }
}

fn refuses_a_root_identity(mode: Mode) {
    let mut jail = Jail::new(mode);
    jail.setup.identity = Some(valor_wire::control::Identity { uid: 0, gid: 5 });
    let (code, failures) = jail.run(|_| Vec::new());
    assert_eq!(code, 99);
    assert!(failures[0].contains("root as the plugin's user"), "{failures:?}");
}
