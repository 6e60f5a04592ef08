//! Who we are, and who belongs to a group.

use std::ffi::CString;
use std::io;

use nix::unistd::{Gid, Group, Uid, User, getgrouplist};

/// The effective uid of this process.
#[must_use]
pub fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The effective gid of this process.
#[must_use]
pub fn own_gid() -> u32 {
    rustix::process::getegid().as_raw()
}

/// A group's number; `None`: there is no such group.
///
/// # Errors
/// When the system's databases cannot be read.
pub fn group_id(name: &str) -> io::Result<Option<u32>> {
    Ok(Group::from_name(name)?.map(|group| group.gid.as_raw()))
}

/// A group's name, else its number.
#[must_use]
pub fn group_name(gid: u32) -> String {
    match Group::from_gid(Gid::from_raw(gid)) {
        Ok(Some(group)) => group.name,
        _ => gid.to_string(),
    }
}

/// Is the user a member of the group, by the system's databases? May take a while where those are far away.
///
/// # Errors
/// When they cannot be read.
pub fn is_member(uid: u32, gid: u32) -> io::Result<bool> {
    let Some(user) = User::from_uid(Uid::from_raw(uid))? else {
        return Ok(false);
    };
    let name = CString::new(user.name).map_err(io::Error::other)?;
    Ok(getgrouplist(&name, user.gid)?.contains(&Gid::from_raw(gid)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_in_its_own_group_only() {
        assert!(is_member(0, 0).unwrap());
        assert!(!is_member(0, 4_000_000_000).unwrap());
        assert!(!is_member(4_000_000_000, 0).unwrap(), "who is not known belongs to nothing");
        assert_eq!(group_id("root").unwrap(), Some(0));
        assert_eq!(group_id("no-such-group-anywhere").unwrap(), None);
        assert_eq!((group_name(0).as_str(), group_name(4_000_000_000).as_str()), ("root", "4000000000"));
    }
}
