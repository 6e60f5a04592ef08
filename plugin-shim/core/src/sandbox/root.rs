//! Layer `root-filesystem`: a root of its own, with the plugin, its libraries, `/data`, `/tmp` and four devices.
//!
//! ```text
//! /plugin.so      the artifact, read-only
//! /lib            the libraries it needs beyond the shim's own, read-only (/lib64, /usr/lib ... lead there)
//! /data           the plugin's own directory, if it has one
//! /tmp            a tmpfs of limited size
//! /dev            null zero random urandom
//! granted paths   where they are outside
//! /engine         a program of its own that runs the plugin, with the files of the shim that it begins with, where there is one;
//!                 the artifact has its own name then, below /plugin
//! ```
//!
//! The tmpfs that holds it all is read-only in the end. There is no /proc (but for one link that an engine looks for), no /sys and no /etc.

use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::{Mode, umask};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{chdir, pivot_root};
use valor_wire::control::Setup;

use super::{EngineProfile, SandboxError, mounts};

/// The artifact, inside.
const PLUGIN: &str = "/plugin.so";
/// What belongs to an engine that is a program of its own, inside.
pub(super) const ENGINE: &str = "/engine";
/// That program.
pub(super) const PROGRAM: &str = "/engine/program";
/// The plugin's own directory, inside.
pub(super) const DATA: &str = "/data";
/// The temporary directory, inside.
pub(super) const TMP: &str = "/tmp";
/// The devices that are bound, where the machine has them.
pub(super) const DEVICES: [&str; 4] = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];

const MULTIARCH: &str = if cfg!(target_arch = "aarch64") { "aarch64-linux-gnu" } else { "x86_64-linux-gnu" };

/// Builds the root and makes it this process's. `Err(reason)` inside when this machine cannot: the old root is then
/// still the root.
pub(super) fn apply(
    setup: &Setup,
    engine: Option<&EngineProfile>,
) -> Result<Result<(), String>, SandboxError> {
    // What happens to mounts in here must not reach the machine.
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    if let Err(errno) = mount(None::<&str>, "/", None::<&str>, flags, None::<&str>) {
        return Ok(Err(format!("the mounts could not be made private: {errno}")));
    }
    let before = umask(Mode::from_bits_truncate(0o022));
    let built = build(setup, engine);
    umask(before);
    // The namespace works but what it should hold does not: that is a fault, not a lesser sandbox.
    built?;
    if let Err(reason) = enter(&setup.root) {
        let _leave_it = umount2(&setup.root, MntFlags::MNT_DETACH);
        return Ok(Err(reason));
    }
    Ok(probe(setup.engine.is_some()))
}

/// Where the artifact is, inside.
pub(super) fn plugin(setup: &Setup, engine: Option<&EngineProfile>) -> PathBuf {
    match engine.filter(|_| setup.engine.is_some()) {
        Some(profile) => PathBuf::from(format!("/plugin/{}{}", setup.plugin, profile.suffix)),
        None => PLUGIN.into(),
    }
}

fn build(setup: &Setup, engine: Option<&EngineProfile>) -> Result<(), SandboxError> {
    let root = &setup.root;
    let inside = |path: &str| root.join(path.trim_start_matches('/'));
    mounts::tmpfs(root, "mode=0755,size=1m,nr_inodes=8192", false)?;

    let plugin = plugin(setup, engine);
    let plugin = root.join(plugin.strip_prefix("/").unwrap_or(&plugin));
    mounts::bind(&setup.artifact, &plugin, mounts::CODE)?;
    executable(&setup.artifact, &plugin)?;
    let engines = setup.engine.iter().flat_map(|engine| &engine.libraries);
    for library in setup.libraries.iter().chain(engines) {
        check_soname(&library.soname)?;
        let place = root.join("lib").join(&library.soname);
        mounts::bind(&library.path, &place, mounts::CODE)?;
        executable(&library.path, &place)?;
    }
    let failed = |what| {
        move |error: std::io::Error| SandboxError::Bind {
            path: root.clone(),
            what,
            errno: nix::errno::Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)),
            cure: "report this",
        }
    };
    library_directories(root).map_err(failed("linking the library directories"))?;
    if let (Some(program), Some(profile)) = (&setup.engine, engine) {
        mounts::bind(&program.program, &inside(PROGRAM), mounts::CODE)?;
        executable(&program.program, &inside(PROGRAM))?;
        engine_files(root, profile).map_err(failed("writing the engine's files"))?;
    }
    for device in DEVICES.iter().filter(|device| Path::new(device).exists()) {
        mounts::bind(Path::new(device), &inside(device), mounts::DEVICE)?;
    }
    let tmp = inside(TMP);
    let owner = setup.identity.map_or_else(String::new, |id| format!(",uid={},gid={}", id.uid, id.gid));
    std::fs::create_dir_all(&tmp).map_err(|_| SandboxError::Setup("a root that is not empty".to_owned()))?;
    mounts::tmpfs(&tmp, &format!("mode=0700,size={},nr_inodes=65536{owner}", setup.tmp_bytes), true)?;

    for (path, access) in grants(&setup.read, &setup.write)? {
        let place: PathBuf = root.components().chain(path.components().skip(1)).collect();
        mounts::bind(path, &place, access)?;
    }
    // Last, so that no path above ever leads through what a plugin has written.
    if let Some(data) = &setup.data {
        mounts::bind(data, &inside(DATA), mounts::WRITE)?;
    }
    // This mount only: the ones beneath have been restricted each in its way.
    let flags =
        MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(None::<&str>, root, None::<&str>, flags | MsFlags::MS_NOEXEC, None::<&str>).map_err(|errno| {
        SandboxError::Bind {
            path: root.clone(),
            what: "making the root read-only",
            errno,
            cure: "report this",
        }
    })
}

/// Swaps the roots and drops the old one.
fn enter(root: &Path) -> Result<(), String> {
    chdir(root).map_err(|errno| format!("chdir to the new root: {errno}"))?;
    // With both the same, the old root ends up on top of the new one, and is taken off from there.
    pivot_root(".", ".")
        .map_err(|errno| format!("pivot_root: {errno} (is the machine's root an initramfs?)"))?;
    umount2(".", MntFlags::MNT_DETACH).map_err(|errno| format!("letting go of the old root: {errno}"))?;
    chdir("/").map_err(|errno| format!("chdir: {errno}"))
}

/// Tries what must not work any more.
fn probe(engine: bool) -> Result<(), String> {
    // No grant brings it back; an engine has a directory of that name with one link in it.
    let proc = if engine { "/proc/self/status" } else { "/proc" };
    if Path::new(proc).exists() {
        return Err("/proc can still be seen".to_owned());
    }
    match std::fs::File::create("/probe") {
        Ok(_) => Err("the root can be written".to_owned()),
        Err(_) => Ok(()),
    }
}

/// Wherever the dynamic linker looks, it finds `/lib`. Relative links, since this tree is not the root yet.
fn library_directories(root: &Path) -> std::io::Result<()> {
    let usr = root.join("usr");
    std::fs::create_dir_all(root.join("lib"))?;
    std::fs::create_dir_all(&usr)?;
    let links = [
        ("lib".to_owned(), root.join("lib64")),
        ("../lib".to_owned(), usr.join("lib")),
        ("../lib".to_owned(), usr.join("lib64")),
        (".".to_owned(), root.join("lib").join(MULTIARCH)),
    ];
    for (target, link) in links {
        // A grant does not come before this, so whatever is there is a link of the same kind.
        symlink(target, link)?;
    }
    Ok(())
}

/// What the engine begins with, and the link by which it finds itself.
fn engine_files(root: &Path, profile: &EngineProfile) -> std::io::Result<()> {
    for (name, text) in profile.files {
        std::fs::write(root.join(ENGINE.trim_start_matches('/')).join(name), text)?;
    }
    let own = root.join("proc/self");
    std::fs::create_dir_all(&own)?;
    symlink(PROGRAM, own.join("exe"))
}

/// A state directory on a noexec file system is a frequent mistake with an opaque message from the dynamic linker.
fn executable(source: &Path, place: &Path) -> Result<(), SandboxError> {
    match statvfs(place) {
        Ok(status) if status.flags().contains(FsFlags::ST_NOEXEC) => {
            Err(SandboxError::NoExec { path: source.to_owned() })
        }
        _ => Ok(()),
    }
}

fn check_soname(soname: &str) -> Result<(), SandboxError> {
    let plain = !soname.is_empty() && !soname.contains(['/', '\0']) && soname != "." && soname != "..";
    if plain && soname != MULTIARCH {
        Ok(())
    } else {
        Err(SandboxError::Setup(format!("the library {soname:?}")))
    }
}

/// The grants to bind, outer ones first. One within another is bound only where it widens a read-only one: to bind into
/// what the plugin can write would be to follow what it wrote.
fn grants<'a>(
    read: &'a [PathBuf],
    write: &'a [PathBuf],
) -> Result<Vec<(&'a Path, mounts::Access)>, SandboxError> {
    let writable = write.iter().map(|path| (path.as_path(), mounts::WRITE));
    let mut wanted: Vec<_> = writable.chain(read.iter().map(|path| (path.as_path(), mounts::READ))).collect();
    wanted.sort_by_key(|(path, _)| path.components().count());
    let mut kept: Vec<(&Path, mounts::Access)> = Vec::new();
    for (path, access) in wanted {
        check_grant(path)?;
        match kept.iter().rev().find(|(outer, _)| path.starts_with(outer)) {
            Some((outer, held)) if *held == access || *outer == path => {}
            Some((_, held)) if *held == mounts::WRITE => {
                let why = "lies within a path that is granted for writing: grant only the outer one";
                return Err(SandboxError::Grant { path: path.to_owned(), why });
            }
            _ => kept.push((path, access)),
        }
    }
    Ok(kept)
}

/// A granted path must not undo the root, nor lead through what a plugin can write.
fn check_grant(path: &Path) -> Result<(), SandboxError> {
    let refuse = |why| Err(SandboxError::Grant { path: path.to_owned(), why });
    if !path.is_absolute() || path.components().any(|c| matches!(c, Component::ParentDir)) {
        return refuse("is not absolute, or has `..` in it: write it out");
    }
    let within = |base: &str| path.starts_with(base);
    if ["/proc", "/dev"].into_iter().any(within) {
        return refuse("leads to other processes or devices: it cannot be granted");
    }
    if within(DATA) || path == Path::new(TMP) || path == Path::new(PLUGIN) {
        return refuse("is taken by the plugin's own files: choose another place");
    }
    if ["/", "/lib", "/lib64", "/usr", "/usr/lib", "/usr/lib64"].map(PathBuf::from).iter().any(|p| p == path)
    {
        return refuse("holds the system's libraries: grant what is needed beneath it");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{check_grant, check_soname, grants, mounts};

    #[test]
    fn nested_grants_widen_or_vanish() {
        let list = |paths: &[&str]| paths.iter().map(Into::into).collect::<Vec<std::path::PathBuf>>();
        let (read, write) = (list(&["/srv", "/srv/a", "/opt/x"]), list(&["/srv/out", "/opt/x"]));
        let kept = grants(&read, &write).unwrap();
        assert_eq!(
            kept,
            [
                (Path::new("/srv"), mounts::READ),
                (Path::new("/srv/out"), mounts::WRITE),
                (Path::new("/opt/x"), mounts::WRITE),
            ]
        );
        assert!(grants(&list(&["/srv/out/in"]), &write).is_err());
    }

    #[test]
    fn grants_that_would_undo_the_root_are_refused() {
        for path in [
            "/",
            "relative",
            "/srv/../etc",
            "/proc",
            "/proc/self/mem",
            "/dev/sda",
            "/data",
            "/data/x",
            "/tmp",
            "/lib",
        ] {
            assert!(check_grant(Path::new(path)).is_err(), "{path}");
        }
        for path in ["/srv/files", "/etc/ssl", "/usr/share/zoneinfo", "/tmp/shared"] {
            assert!(check_grant(Path::new(path)).is_ok(), "{path}");
        }
    }

    #[test]
    fn library_names_stay_in_their_directory() {
        for soname in ["", ".", "..", "../x", "/lib/x", "a\0b", super::MULTIARCH] {
            assert!(check_soname(soname).is_err(), "{soname:?}");
        }
        assert!(check_soname("libm.so.6").is_ok());
    }
}
