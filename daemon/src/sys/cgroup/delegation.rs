//! What the system lends to the daemon.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why these controllers are not to be had.
pub(super) fn why_missing(missing: &[&str]) -> String {
    let v1 = fs::read_to_string("/proc/cgroups").unwrap_or_default();
    // Columns: name, hierarchy (0: version 2), groups, enabled.
    let on_v1 = |name: &str| {
        v1.lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .any(|c| c.len() > 1 && c[0] == name && c[1] != "0")
    };
    let list = missing.join(", ");
    if missing.iter().any(|name| on_v1(name)) {
        format!("on cgroup v1, which is not supported: {list}")
    } else {
        format!("not delegated: {list}; start valord by its unit, which says Delegate=yes")
    }
}

/// The directory in which the daemon may make groups.
pub(super) fn delegated() -> Result<PathBuf, String> {
    let mounts =
        fs::read_to_string("/proc/self/mountinfo").map_err(|e| format!("cannot read the mounts: {e}"))?;
    let mount = mounts
        .lines()
        .find_map(|line| {
            let (left, right) = line.split_once(" - ")?;
            right.starts_with("cgroup2 ").then(|| left.split(' ').nth(4))?
        })
        .ok_or("cgroup v2 is not mounted")?;
    let own =
        fs::read_to_string("/proc/self/cgroup").map_err(|e| format!("cannot read the own group: {e}"))?;
    let own =
        own.lines().find_map(|line| line.strip_prefix("0::/")).ok_or("the daemon is in no cgroup v2")?;
    if own.is_empty() {
        return Err(why_missing(&["memory"]));
    }
    let dir = Path::new(mount).join(own);
    // With DelegateSubgroup= the daemon sits one level below what was delegated.
    if let Some(parent) = dir.parent().filter(|parent| is_delegated(parent)) {
        return Ok(parent.to_owned());
    }
    if !is_delegated(&dir) {
        return Err("the daemon's group is not delegated: start valord by its unit, which says Delegate=yes"
            .to_owned());
    }
    // Groups with controllers may have no processes of their own beside them.
    let inner = dir.join("supervisor");
    let step_aside = || {
        fs::create_dir_all(&inner)?;
        fs::write(inner.join("cgroup.procs"), std::process::id().to_string())
    };
    step_aside().map_err(|e: io::Error| format!("cannot step aside into {}: {e}", inner.display()))?;
    Ok(dir)
}

/// The service manager marks what it gives away.
fn is_delegated(dir: &Path) -> bool {
    ["user.delegate", "trusted.delegate"].iter().any(|name| {
        let mut value = [0; 8];
        matches!(rustix::fs::getxattr(dir, *name, &mut value[..]), Ok(1) if value[0] == b'1')
    })
}
