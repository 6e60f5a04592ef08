//! The way to the control socket: whoever could rename a directory on it could put a socket of their own at its end, and
//! be given every artifact and configuration.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::SocketError;

/// Checks every directory and link on the way, as it is written and as it is meant.
pub(super) fn check(path: &Path, own: u32) -> Result<(), SocketError> {
    let io = |source| SocketError::Io { step: "look at the directory of", path: path.to_owned(), source };
    let written = std::path::absolute(path).map_err(io)?;
    let dir = written.parent().ok_or_else(|| io(ErrorKind::NotADirectory.into()))?;
    let meant = dir.canonicalize().map_err(io)?;
    // The root directory has no place in another: nobody can rename it.
    let ways = dir.ancestors().chain(meant.ancestors()).filter(|step| step.parent().is_some());
    for step in ways {
        look(step, &fs::symlink_metadata(step).map_err(io)?, own)?;
    }
    Ok(())
}

fn look(step: &Path, found: &fs::Metadata, own: u32) -> Result<(), SocketError> {
    let exposed = |why: String, cure| Err(SocketError::Exposed { dir: PathBuf::from(step), why, cure });
    if ![0, own].contains(&found.uid()) {
        let why = format!("it belongs to uid {}, who could put another socket there", found.uid());
        return exposed(why, "choose a --control in a directory of your own, or of root");
    }
    // In a sticky directory such as /tmp nobody can touch what is another's. A link has no mode.
    let (open, sticky) = (found.mode() & 0o022 != 0, found.mode() & 0o1000 != 0);
    if open && !sticky && !found.is_symlink() {
        let why = format!("others may write to it (mode {:04o})", found.mode() & 0o7777);
        return exposed(why, "take that away with `chmod go-w`, or choose another --control");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::sys::users;

    fn said(path: &Path) -> String {
        check(path, users::own_uid()).unwrap_err().to_string()
    }

    #[test]
    fn ones_own_directory_and_a_sticky_one_are_fine() {
        let dir = tempfile::tempdir().unwrap();
        check(&dir.path().join("control.sock"), users::own_uid()).unwrap();
        check(Path::new("/tmp/control.sock"), users::own_uid()).unwrap();
        let real = dir.path().join("real");
        fs::create_dir(&real).unwrap();
        symlink(&real, dir.path().join("link")).unwrap();
        check(&dir.path().join("link/control.sock"), users::own_uid()).unwrap();
    }

    #[test]
    fn what_others_may_write_to_is_no_place() {
        let dir = tempfile::tempdir().unwrap();
        let open = dir.path().join("open");
        fs::create_dir_all(open.join("below")).unwrap();
        symlink(open.join("below"), dir.path().join("link")).unwrap();
        for mode in [0o777, 0o775, 0o757, 0o722] {
            fs::set_permissions(&open, fs::Permissions::from_mode(mode)).unwrap();
            for path in ["open/control.sock", "open/below/control.sock", "link/control.sock"] {
                let said = said(&dir.path().join(path));
                let expected = format!(
                    "{} is no place for the control socket: others may write to it (mode {mode:04o}); take that away with `chmod go-w`, or choose another --control",
                    open.display()
                );
                assert_eq!(said, expected, "{path}");
            }
        }
        fs::set_permissions(&open, fs::Permissions::from_mode(0o1777)).unwrap();
        check(&open.join("below/control.sock"), users::own_uid()).unwrap();
    }

    #[test]
    fn what_belongs_to_another_is_no_place() {
        let dir = tempfile::tempdir().unwrap();
        let found = fs::symlink_metadata(dir.path()).unwrap();
        // Seen by somebody else, who is not root: the same rule.
        let other = look(dir.path(), &found, users::own_uid() + 1);
        assert_eq!(other.is_err(), users::own_uid() != 0, "root is trusted by all");
        if users::own_uid() == 0 {
            std::os::unix::fs::chown(dir.path(), Some(65_534), None).unwrap();
            let below = dir.path().join("below");
            fs::create_dir(&below).unwrap();
            let said = said(&below.join("control.sock"));
            assert!(said.contains("it belongs to uid 65534, who could put another socket there"), "{said}");
            // A link of theirs that points to a good place can point elsewhere tomorrow.
            let outer = tempfile::tempdir().unwrap();
            let link = outer.path().join("link");
            symlink("/tmp", &link).unwrap();
            std::os::unix::fs::lchown(&link, Some(65_534), None).unwrap();
            assert!(
                check(&link.join("control.sock"), 0)
                    .unwrap_err()
                    .to_string()
                    .contains("belongs to uid 65534")
            );
        }
    }
}
