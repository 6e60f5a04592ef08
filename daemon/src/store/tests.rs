//! The state directory as a skeptic uses it.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::*;

mod power;
mod together;

fn open() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state")).unwrap();
    (dir, store)
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

fn put(store: &Store, bytes: &[u8]) -> Result<ArtifactRef, StoreError> {
    let mut writer = store.write_artifact(&sha256(bytes), bytes.len() as u64)?;
    for piece in bytes.chunks(3) {
        writer.write(piece)?;
    }
    writer.finish()
}

fn registration(name: &str, sha256: &str) -> Registration {
    Registration {
        kind: valor_control::kind::Kind::Native,
        engine: None,
        version: VERSION,
        name: name.into(),
        prefix: format!("/{name}"),
        sha256: sha256.into(),
        file_name: format!("lib{name}.so"),
        config: serde_json::json!("Alice"),
        limits: crate::plugin::Limits::default(),
        grants: crate::plugin::Grants::default(),
        source: Source::Api,
        uid_slot: Some(3),
        probe: None,
        disabled: false,
        web: None,
        created_ms: 7,
    }
}

fn files(store: &Store, dir: &str) -> Vec<String> {
    let entries = fs::read_dir(store.dir().join(dir)).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn mode(store: &Store, path: &str) -> u32 {
    fs::metadata(store.dir().join(path)).unwrap().mode() & 0o7777
}

#[test]
fn the_layout_has_its_modes_also_when_it_was_looser() {
    let (_dir, store) = open();
    let path = store.dir().to_owned();
    fs::set_permissions(path.join("plugins"), Permissions::from_mode(0o755)).unwrap();
    drop(store);
    let store = Store::open(&path).unwrap();
    for (dir, expected) in [
        ("", 0o711),
        ("artifacts", 0o711),
        ("products", 0o711),
        ("plugins", 0o700),
        ("data", 0o711),
        ("run", 0o711),
        ("run/root", 0o755),
        ("run/lock", 0o600),
    ] {
        assert_eq!(mode(&store, dir), expected, "{dir}");
    }
    let (data, made) = store.make_data_dir("hello", None).unwrap();
    assert!(made && !store.make_data_dir("hello", None).unwrap().1);
    assert_eq!(fs::metadata(&data).unwrap().mode() & 0o7777, 0o700);
    store.remove_data_dir("hello").unwrap();
    store.remove_data_dir("hello").unwrap();
    assert!(!data.exists());
}

#[test]
fn a_second_valord_is_refused_until_the_first_is_gone() {
    let (_dir, store) = open();
    let path = store.dir().to_owned();
    let message = Store::open(&path).unwrap_err().to_string();
    assert!(
        message.contains(&format!("pid {}", std::process::id())) && message.contains("--state-dir"),
        "{message}"
    );
    let clone = store.clone();
    drop(store);
    assert!(Store::open(&path).is_err(), "a clone still holds it");
    drop(clone);
    Store::open(&path).unwrap();
}

#[test]
fn places_that_cannot_be_trusted_or_used_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let open = dir.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
    assert!(Store::open(&open).unwrap_err().to_string().contains("written by everybody"));

    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(Store::open(&file).unwrap_err(), StoreError::Io { .. }));
    assert!(matches!(Store::open(&file.join("below")).unwrap_err(), StoreError::Io { .. }));

    let linked = dir.path().join("linked");
    fs::create_dir(&linked).unwrap();
    symlink("/tmp", linked.join("plugins")).unwrap();
    assert!(Store::open(&linked).unwrap_err().to_string().contains("is no directory"));
    // A path where nobody can write, not even root.
    assert!(Store::open(Path::new("/proc/valor-state")).unwrap_err().to_string().contains("cannot make"));
}

#[test]
fn registrations_come_back_as_they_were() {
    let (_dir, store) = open();
    let hello = registration("hello", &"a".repeat(64));
    store.save(&hello).unwrap();
    store.save(&registration("b", &"b".repeat(64))).unwrap();
    let changed = Registration { prefix: "/other".into(), ..hello };
    store.save(&changed).unwrap();
    assert_eq!(mode(&store, "plugins/hello.json"), 0o600);
    let path = store.dir().to_owned();
    drop(store);

    let store = Store::open(&path).unwrap();
    let all = store.load_all().unwrap();
    assert_eq!(all, [Entry::Good(registration("b", &"b".repeat(64)).into()), Entry::Good(changed.into())]);
    store.remove("b").unwrap();
    store.remove("b").unwrap();
    assert_eq!(store.load_all().unwrap().len(), 1);
    store.remove_data_dir("b").unwrap();
    assert_eq!(files(&store, "plugins"), ["hello.json"]);
    assert!(matches!(store.save(&registration("../x", "")), Err(StoreError::Name { .. })));
    assert!(matches!(store.remove("../x"), Err(StoreError::Name { .. })));
}

#[test]
fn a_damaged_entry_fails_alone_and_is_left_alone() {
    let (_dir, store) = open();
    let bytes = b"needed by nobody who can be read";
    let sha = put(&store, bytes).unwrap().sha256().to_owned();
    store.save(&registration("good", &"a".repeat(64))).unwrap();
    let plugins = store.dir().join("plugins");
    let good = fs::read_to_string(plugins.join("good.json")).unwrap();
    fs::write(plugins.join("cut.json"), &good[..good.len() / 2]).unwrap();
    fs::write(plugins.join("empty.json"), "").unwrap();
    fs::write(plugins.join("binary.json"), [0xff, 0xfe, 0]).unwrap();
    fs::write(plugins.join("newer.json"), good.replace("\"version\": 1", "\"version\": 2")).unwrap();
    fs::write(plugins.join("moved.json"), &good).unwrap();
    fs::write(plugins.join("hash.json"), good.replace("\"good\"", "\"hash\"").replace("aaaa", "../x"))
        .unwrap();
    fs::create_dir(plugins.join("dir.json")).unwrap();
    fs::write(plugins.join("README"), "not ours").unwrap();

    let all = store.load_all().unwrap();
    let failed: Vec<(&str, &str)> = all
        .iter()
        .filter_map(|entry| match entry {
            Entry::Failed { name, reason } => Some((name.as_str(), reason.as_str())),
            Entry::Good(_) => None,
        })
        .collect();
    let names: Vec<_> = failed.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["binary", "cut", "dir", "empty", "hash", "moved", "newer"]);
    for (name, reason) in &failed {
        let expected = if *name == "newer" { "run the newer valord" } else { "is damaged" };
        assert!(reason.contains(expected) && reason.contains(&format!("{name}.json")), "{reason}");
    }
    assert_eq!(all.len(), 8);
    assert_eq!(files(&store, "plugins").len(), 9, "nothing is deleted");
    assert_eq!(store.collect().unwrap(), 0, "who knows what the damaged ones need");
    assert_eq!(files(&store, "artifacts"), [sha]);
    store.remove("cut").unwrap();
}

#[test]
fn yesterdays_state_still_loads() {
    let (_dir, store) = open();
    let sample = include_str!("../../tests/state/v1-hello.json");
    fs::write(store.dir().join("plugins/hello.json"), sample).unwrap();
    let minimal = include_str!("../../tests/state/v1-minimal.json");
    fs::write(store.dir().join("plugins/minimal.json"), minimal).unwrap();
    let disabled = include_str!("../../tests/state/v1-disabled.json");
    fs::write(store.dir().join("plugins/off.json"), disabled).unwrap();
    let web = include_str!("../../tests/state/v1-web.json");
    fs::write(store.dir().join("plugins/greet.json"), web).unwrap();
    let all = store.load_all().unwrap();
    let [Entry::Good(greet), Entry::Good(hello), Entry::Good(minimal), Entry::Good(off)] = all.as_slice()
    else {
        panic!("{all:?}")
    };
    assert_eq!(greet.web, Some(Web { mode: valor_control::web::Mode::Local, config: "Alice".into() }));
    assert_eq!((&hello.web, &minimal.web, &off.web), (&None, &None, &None), "nothing is published unasked");
    assert_eq!((off.disabled, off.probe.as_deref(), off.limits.instances), (true, Some("/health"), 3));
    assert_eq!((hello.disabled, hello.probe.as_deref(), minimal.disabled), (false, None, false));
    assert_eq!((hello.name.as_str(), hello.prefix.as_str()), ("hello", "/hi"));
    assert_eq!(hello.config, serde_json::json!({"greeting": "Alice"}));
    assert_eq!(hello.limits.timeout, std::time::Duration::from_secs(5));
    assert_eq!(hello.limits.memory, 64 << 20);
    assert_eq!(hello.grants.net, ["api.example.org:443", "10.0.0.0/8:5432"]);
    assert_eq!(hello.grants.env, [("LANG".to_owned(), "C.UTF-8".to_owned())]);
    assert_eq!((hello.source, hello.uid_slot), (Source::File, Some(4)));
    assert_eq!((minimal.source, minimal.uid_slot), (Source::Api, None));
    assert_eq!(minimal.limits, crate::plugin::Limits::default());
}

#[test]
fn an_artifact_is_kept_under_its_hash() {
    let (_dir, store) = open();
    let artifact = put(&store, b"some bytes").unwrap();
    assert_eq!(artifact.size(), 10);
    assert_eq!(fs::read(artifact.path()).unwrap(), b"some bytes");
    assert_eq!(mode(&store, &format!("artifacts/{}", artifact.sha256())), 0o444);
    assert_eq!(store.verify(artifact.sha256()).unwrap().size(), 10);
    put(&store, b"some bytes").unwrap();
    assert_eq!(files(&store, "artifacts"), [sha256(b"some bytes")]);
    assert_eq!(put(&store, b"").unwrap().size(), 0);
}

#[test]
fn what_does_not_match_leaves_nothing_behind() {
    let (_dir, store) = open();
    let sha = sha256(b"right");
    let mut long = store.write_artifact(&sha, 3).unwrap();
    assert!(matches!(long.write(b"right"), Err(StoreError::Mismatch(_))));
    drop(long);
    let mut short = store.write_artifact(&sha, 5).unwrap();
    short.write(b"rig").unwrap();
    assert!(short.finish().unwrap_err().to_string().contains("3 of 5 bytes"));
    let mut wrong = store.write_artifact(&sha, 5).unwrap();
    wrong.write(b"wrong").unwrap();
    assert!(wrong.finish().unwrap_err().to_string().contains("sha-256"));
    for none in ["", "../../x", &sha.to_uppercase(), &sha[1..]] {
        assert!(store.write_artifact(none, 1).is_err(), "{none}");
    }
    assert_eq!(files(&store, "artifacts"), [""; 0]);
}

#[test]
fn a_changed_or_missing_artifact_is_found() {
    let (_dir, store) = open();
    let artifact = put(&store, b"some bytes").unwrap();
    fs::set_permissions(artifact.path(), Permissions::from_mode(0o600)).unwrap();
    fs::write(artifact.path(), b"some byteS").unwrap();
    let error = store.verify(artifact.sha256()).unwrap_err();
    assert!(
        matches!(error, StoreError::Damaged { .. }) && error.to_string().contains("hashes to"),
        "{error}"
    );
    put(&store, b"some bytes").unwrap();
    store.verify(artifact.sha256()).unwrap();
    fs::remove_file(artifact.path()).unwrap();
    assert!(store.verify(artifact.sha256()).unwrap_err().to_string().contains("missing"));
    assert!(store.verify("../run/lock").is_err());
}

#[test]
fn only_what_nobody_needs_is_collected() {
    let (_dir, store) = open();
    let saved = put(&store, b"saved").unwrap().sha256().to_owned();
    store.save(&registration("hello", &saved)).unwrap();
    let held = put(&store, b"held").unwrap();
    let twice = held.clone();
    drop(put(&store, b"unneeded").unwrap());
    fs::write(store.dir().join("artifacts/README"), "not ours").unwrap();
    assert_eq!(store.collect().unwrap(), 1);
    drop(held);
    assert_eq!(store.collect().unwrap(), 0, "still held once");
    drop(twice);
    assert_eq!(store.collect().unwrap(), 1);
    store.remove("hello").unwrap();
    assert_eq!(store.collect().unwrap(), 1);
    assert_eq!(files(&store, "artifacts"), ["README"]);
}

#[test]
fn what_a_killed_daemon_left_is_swept() {
    let (_dir, store) = open();
    let path = store.dir().to_owned();
    fs::write(path.join("artifacts/.tmp-abc"), "half").unwrap();
    fs::write(path.join("products/.tmp-abc"), "half").unwrap();
    fs::write(path.join("plugins/.tmp-abc"), "half").unwrap();
    store.save(&registration("kept", &"a".repeat(64))).unwrap();
    for name in ["kept", "never", "written"] {
        store.make_data_dir(name, None).unwrap();
    }
    fs::write(path.join("data/written/file"), "precious").unwrap();
    drop(store);
    let store = Store::open(&path).unwrap();
    assert_eq!(files(&store, "data"), ["kept", "written"]);
    assert_eq!(files(&store, "artifacts"), [""; 0]);
    assert_eq!(files(&store, "products"), [""; 0]);
    assert_eq!(files(&store, "plugins"), ["kept.json"]);
}

#[test]
fn a_removal_that_was_cut_short_is_finished() {
    let (_dir, store) = open();
    let path = store.dir().to_owned();
    for name in ["gone", "back"] {
        store.save(&registration(name, &"a".repeat(64))).unwrap();
        let (data, _) = store.make_data_dir(name, None).unwrap();
        fs::write(data.join("file"), "of the first").unwrap();
        store.remove(name).unwrap();
    }
    // Who comes by the same name before the data is gone has none of it.
    let (data, made) = store.make_data_dir("back", None).unwrap();
    assert!(made && fs::read_dir(&data).unwrap().next().is_none());
    store.save(&registration("back", &"a".repeat(64))).unwrap();
    fs::write(data.join("file"), "of the second").unwrap();
    drop(store);
    fs::write(path.join("plugins/back.gone"), "{}").unwrap();
    let store = Store::open(&path).unwrap();
    assert_eq!(files(&store, "plugins"), ["back.json"]);
    assert_eq!(files(&store, "data"), ["back"]);
    assert_eq!(fs::read_to_string(data.join("file")).unwrap(), "of the second");
}

/// A state directory whose disk fails at these steps once `armed`.
fn bad(steps: &'static [Step]) -> (tempfile::TempDir, Store, Arc<std::sync::atomic::AtomicBool>) {
    use std::sync::atomic::{AtomicBool, Ordering};
    let armed = Arc::new(AtomicBool::new(false));
    let watched = Arc::clone(&armed);
    let disk = Disk::watched(move |step, _| match watched.load(Ordering::Relaxed) && steps.contains(&step) {
        true => Err(std::io::Error::from_raw_os_error(5)),
        false => Ok(()),
    });
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_on(disk, &dir.path().join("state")).unwrap();
    (dir, store, armed)
}

#[test]
fn what_cannot_be_made_sure_is_undone() {
    let (_dir, store, armed) = bad(&[Step::SyncDir]);
    let kept = registration("kept", &"a".repeat(64));
    store.save(&kept).unwrap();
    armed.store(true, std::sync::atomic::Ordering::Relaxed);
    let changed = Registration { prefix: "/other".into(), ..kept.clone() };
    for failed in [
        store.save(&changed),
        store.save(&registration("new", &"a".repeat(64))),
        store.remove("kept"),
        put(&store, b"bytes").map(drop),
    ] {
        let message = failed.unwrap_err().to_string();
        assert!(message.starts_with("cannot sync ") && message.contains("os error 5"), "{message}");
    }
    assert_eq!(files(&store, "artifacts"), [""; 0]);
    assert_eq!(files(&store, "products"), [""; 0]);
    assert_eq!(files(&store, "plugins"), ["kept.json"]);
    assert_eq!(store.load_all().unwrap(), [Entry::Good(kept.into())]);
}

#[test]
fn what_cannot_be_undone_keeps_what_it_may_need() {
    let (_dir, store, armed) = bad(&[Step::SyncDir, Step::Remove]);
    let artifact = put(&store, b"bytes").unwrap().sha256().to_owned();
    armed.store(true, std::sync::atomic::Ordering::Relaxed);
    let undecided = store.save(&registration("new", &artifact)).unwrap_err();
    assert!(matches!(undecided, StoreError::Undecided { .. }));
    assert!(undecided.to_string().contains("new.json cannot be put back as it was"), "{undecided}");
    armed.store(false, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(store.collect().unwrap(), 0, "the next start may find the registration");
    assert_eq!(files(&store, "artifacts"), [artifact]);
    store.remove("new").unwrap();
    assert_eq!(store.collect().unwrap(), 1);
}

#[test]
fn what_may_be_unregistered_keeps_its_data_until_the_next_start() {
    use std::sync::atomic::{AtomicU32, Ordering};
    // The entry is renamed, the directory cannot be synced, and it cannot be renamed back.
    let steps = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&steps);
    let disk = Disk::watched(move |step, _| match step {
        Step::SyncDir | Step::Rename if counted.load(Ordering::Relaxed) > 0 => {
            match counted.fetch_add(1, Ordering::Relaxed) {
                1 => Ok(()),
                _ => Err(std::io::Error::from_raw_os_error(5)),
            }
        }
        _ => Ok(()),
    });
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    let store = Store::open_on(disk, &path).unwrap();
    store.save(&registration("x", &"a".repeat(64))).unwrap();
    let (data, _) = store.make_data_dir("x", None).unwrap();
    fs::write(data.join("file"), "kept").unwrap();
    steps.store(1, Ordering::Relaxed);
    assert!(matches!(store.remove("x").unwrap_err(), StoreError::Undecided { .. }));
    steps.store(0, Ordering::Relaxed);
    // It is restarted.
    store.make_data_dir("x", None).unwrap();
    assert_eq!(fs::read_to_string(data.join("file")).unwrap(), "kept");
    drop(store);
    let store = Store::open(&path).unwrap();
    assert_eq!(store.load_all().unwrap(), []);
    assert_eq!(files(&store, "data"), [""; 0]);
}

#[test]
fn files_of_this_machine_are_taken_in() {
    let (dir, store) = open();
    let file = dir.path().join("libhello.so");
    fs::write(&file, b"library").unwrap();
    let artifact = store.import(&file, 7).unwrap();
    assert_eq!(artifact.sha256(), sha256(b"library"));
    assert!(store.import(&file, 6).unwrap_err().to_string().contains("more than 6 bytes"));
    assert!(store.import(dir.path(), 6).unwrap_err().to_string().contains("no regular file"));
    assert!(store.import(&dir.path().join("none"), 6).is_err());
}
