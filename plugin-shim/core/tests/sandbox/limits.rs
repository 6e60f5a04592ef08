//! Limits hold, and each plugin has its own.

use std::fs::{self, File};
use std::io::Write;

use crate::harness::{Case, Jail, Mode};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        ("descriptors_threads_and_temporary_space_run_out", run_out),
        ("a_file_that_grows_too_large_is_cut", a_file_that_grows_too_large_is_cut),
        ("granted_paths_can_be_used", granted_paths_can_be_used),
    ]
}

fn run_out(mode: Mode) {
    Jail::new(mode).assert(|confined| {
        let mut failures = Vec::new();
        let files: Vec<_> = (0..200).map_while(|_| File::open("/dev/null").ok()).collect();
        if files.len() > 60 || files.is_empty() {
            failures.push(format!("{} descriptors", files.len()));
        }
        drop(files);
        let (hold, wait) = std::sync::mpsc::sync_channel::<()>(0);
        let wait = std::sync::Arc::new(std::sync::Mutex::new(wait));
        let mut threads = Vec::new();
        for _ in 0..200 {
            let wait = wait.clone();
            match std::thread::Builder::new().spawn(move || drop(wait.lock().map(|w| w.recv()))) {
                Ok(thread) => threads.push(thread),
                Err(_) => break,
            }
        }
        // Where the user is shared and there is no user namespace, others count too.
        if threads.len() > 32 || (threads.len() < 20 && mode != Mode::UserBare) {
            failures.push(format!("{} threads", threads.len()));
        }
        drop(hold);
        threads.into_iter().for_each(|thread| drop(thread.join()));
        if let Some(tmp) = confined.tmp_path {
            let full = (0..40).find_map(|i| fs::write(tmp.join(i.to_string()), vec![0; 1 << 17]).err());
            if full.as_ref().and_then(std::io::Error::raw_os_error) != Some(libc::ENOSPC) {
                failures.push(format!("/tmp: {full:?}"));
            }
        }
        failures
    });
}

fn a_file_that_grows_too_large_is_cut(mode: Mode) {
    let running = Jail::new(mode).start(|confined, _| {
        let mut file = File::create(confined.data_path.unwrap().join("large")).unwrap();
        let why = loop {
            if let Err(error) = file.write_all(&[0; 1 << 16]) {
                break error.raw_os_error();
            }
        };
        // An error to handle, without the signal that would end it.
        i32::from(why != Some(libc::EFBIG) || file.metadata().unwrap().len() != 1 << 19)
    });
    assert_eq!(running.wait(), 0);
}

fn granted_paths_can_be_used(mode: Mode) {
    let mut jail = Jail::new(mode);
    jail.setup.read = vec![jail.path("read"), "/usr/share".into()];
    jail.setup.write = vec![jail.path("write")];
    let (read, write, outside) = (jail.path("read"), jail.path("write"), jail.path("outside"));
    jail.assert(|_| {
        let mut failures = Vec::new();
        let mut expect = |what: &str, holds: bool| {
            if !holds {
                failures.push(what.to_owned());
            }
        };
        expect("read", fs::read_to_string(read.join("file")).is_ok_and(|text| text == "granted"));
        expect("a whole tree", fs::read_dir("/usr/share").is_ok_and(|mut entries| entries.next().is_some()));
        expect("not written", fs::write(read.join("file"), "x").is_err());
        expect("nothing new", File::create(read.join("new")).is_err());
        expect("write", fs::write(write.join("new"), "x").is_ok());
        expect("outside", fs::read(&outside).is_err());
        expect("above", fs::read(read.join("../outside")).is_err());
        failures
    });
    let mut jail = Jail::new(mode);
    jail.setup.read = vec!["/nonexistent/granted".into()];
    let (code, failures) = jail.run(|_| Vec::new());
    if mode.bare() {
        // Nothing to bind: Landlock cannot name what does not exist.
        assert!(code == 0 || code == 99, "{failures:?}");
    } else {
        assert_eq!(code, 99);
        assert!(failures[0].contains("/nonexistent/granted"), "{failures:?}");
    }
}
