//! Tries an act in the sandbox, and says what became of it.

use std::ffi::CString;
use std::os::fd::{FromRawFd, OwnedFd};
use std::path::Path;

use nix::sys::signal::Signal;

use super::act::{Act, Acts, Outside, Place, Stage, Verdict};
use super::control;
use crate::harness::{Jail, Mode};

/// Each in processes of its own; one that fails does not keep the others from being tried.
pub(super) fn all(mode: Mode, acts: Acts) {
    let fails = |(name, act): &&(&str, Act)| {
        let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| attempt(name, mode, act)));
        tried.is_err()
    };
    let failed: Vec<_> = acts.iter().filter(fails).map(|(name, _)| name).collect();
    assert!(failed.is_empty(), "{mode:?}: {failed:?}");
}

/// In this mode: before the seal and after it. As root outside, too.
fn attempt(name: &str, mode: Mode, act: &Act) {
    let stages = [Stage::Loading, Stage::Sealed];
    let expected = stages.map(|stage| act.inside.verdict(mode, stage));
    let refused = |verdict: &Verdict| matches!(verdict, Verdict::Refused(_));
    // What is refused leaves nothing behind, so that one process may try it twice.
    let found = match expected.iter().all(refused) {
        true => inside(mode, &stages, act),
        false => stages.map(|stage| inside(mode, &[stage], act)).concat(),
    };
    assert_eq!(found, expected.map(say), "{name} as {mode:?}: while loading, and sealed");
    if mode == Mode::Root {
        let found = match act.outside {
            Outside::NotTried(why) => return eprintln!("{name} is not tried outside: {why}"),
            _ => control::outside(act),
        };
        match act.outside {
            Outside::Done => assert_eq!(found, say(Verdict::Done), "{name} outside of the sandbox"),
            Outside::Fails(errno) => {
                assert_eq!(found, say(Verdict::Refused(errno)), "{name} outside of the sandbox");
            }
            _ => {
                assert_ne!(
                    found,
                    say(act.inside.verdict(mode, Stage::Sealed)),
                    "{name} is refused outside, too"
                );
                assert!(found == say(Verdict::Done) || found.starts_with("Refused"), "{name}: {found}");
            }
        }
    }
}

fn inside(mode: Mode, stages: &[Stage], act: &Act) -> Vec<String> {
    let mut jail = Jail::new(mode);
    // A terminal that is left open by mistake is the worst case.
    let (_master, slave) = terminal();
    jail.input = Some(slave);
    let secret = c_path(&jail.path("neighbour/file"));
    let neighbour = std::process::id().cast_signed();
    let (code, lines) = jail.run(|confined| {
        let place = Place {
            data: c_path(confined.data_path.as_deref().unwrap()),
            plugin: c_path(&confined.plugin_path),
            secret,
            neighbour,
        };
        let mut lines = Vec::new();
        if stages.contains(&Stage::Loading) {
            lines.push(say(verdict(act, &place)));
        }
        if stages.contains(&Stage::Sealed) {
            lines.push(match confined.seal() {
                Ok(_) => say(verdict(act, &place)),
                Err(error) => error.to_string(),
            });
        }
        lines
    });
    match code {
        0 => lines,
        129.. => vec![say(Verdict::Killed(Signal::try_from(code - 128).unwrap()))],
        _ => vec![format!("exit code {code}: {lines:?}")],
    }
}

pub(super) fn verdict(act: &Act, place: &Place) -> Verdict {
    match (act.run)(place) {
        Ok(_) => Verdict::Done,
        Err(errno) => Verdict::Refused(errno),
    }
}

pub(super) fn say(verdict: Verdict) -> String {
    format!("{verdict:?}")
}

pub(super) fn c_path(path: &Path) -> CString {
    CString::new(path.as_os_str().as_encoded_bytes()).unwrap()
}

/// Both ends of a new terminal.
pub(super) fn terminal() -> (OwnedFd, OwnedFd) {
    let (mut master, mut slave) = (-1, -1);
    let null = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: two descriptors are written to variables, and nothing is read through null pointers.
    let made =
        unsafe { libc::openpty(&raw mut master, &raw mut slave, null.cast(), null.cast(), null.cast()) };
    assert_eq!(made, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: new descriptors that nobody else owns.
    let owned = |fd| unsafe { OwnedFd::from_raw_fd(fd) };
    (owned(master), owned(slave))
}
