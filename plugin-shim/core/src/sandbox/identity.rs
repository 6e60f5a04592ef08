//! Layer `uid`: started by root, the process becomes a user of the plugin's own.

use nix::unistd::{Gid, Uid, geteuid, getgroups, getresgid, getresuid, setgroups, setresgid, setresuid};
use valor_wire::control::{Identity, LayerReport};

use super::SandboxError;
use crate::report;

const LAYER: &str = "uid";

/// Takes the identity, or says that valord's own is shared. Going on as root is no option.
pub(super) fn apply(identity: Option<Identity>) -> Result<LayerReport, SandboxError> {
    let Some(identity) = identity else {
        return Ok(report::partial(
            LAYER,
            format!(
                "shared with valord ({}): start valord as root to give each plugin a user of its own",
                geteuid()
            ),
        ));
    };
    let (uid, gid) = (Uid::from_raw(identity.uid), Gid::from_raw(identity.gid));
    let refused = |errno| SandboxError::Identity { uid: identity.uid, gid: identity.gid, errno };
    setgroups(&[]).map_err(refused)?;
    setresgid(gid, gid, gid).map_err(refused)?;
    setresuid(uid, uid, uid).map_err(refused)?;
    Ok(match probe(uid, gid) {
        Ok(()) => report::full(LAYER, format!("own uid {uid}")),
        Err(why) => report::absent(LAYER, why),
    })
}

fn probe(uid: Uid, gid: Gid) -> Result<(), String> {
    let uids = getresuid().map_err(|errno| errno.to_string())?;
    let gids = getresgid().map_err(|errno| errno.to_string())?;
    if uids.real != uid || uids.effective != uid || uids.saved != uid {
        return Err(format!("the user is {uids:?}"));
    }
    if gids.real != gid || gids.effective != gid || gids.saved != gid {
        return Err(format!("the group is {gids:?}"));
    }
    match getgroups() {
        Ok(groups) if groups.iter().all(|group| *group == gid) => Ok(()),
        other => Err(format!("supplementary groups remain: {other:?}")),
    }
}
