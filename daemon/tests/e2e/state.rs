//! State that was damaged while nobody looked: the entry is `failed` and says why, the rest serves, and it heals.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;

use serde_json::json;

use crate::artifacts::built;
use crate::client::Spec;
use crate::harness::Valord;
use crate::listing::listing;
use crate::neighbour::Neighbour;

/// A way to damage the state file of a plugin, and what is said of it then.
type Damage = (&'static str, fn(&Path), &'static str);

fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(file, text.replace(from, to)).unwrap();
}

const DAMAGES: &[Damage] = &[
    ("empty", |file| fs::write(file, "").unwrap(), "is damaged: EOF while parsing a value"),
    (
        "cut",
        |file| {
            let length = fs::metadata(file).unwrap().len();
            fs::OpenOptions::new().write(true).open(file).unwrap().set_len(length / 2).unwrap();
        },
        "is damaged: EOF while parsing",
    ),
    (
        "garbage",
        |file| fs::write(file, b"\xff\xfe\0\x1b[2J").unwrap(),
        "is damaged: stream did not contain valid UTF-8",
    ),
    ("zeros", |file| fs::write(file, [0; 4096]).unwrap(), "is damaged: expected value at line 1 column 1"),
    ("list", |file| fs::write(file, "[1]").unwrap(), "is damaged: "),
    (
        "huge",
        |file| fs::File::create(file).unwrap().set_len(9 << 20).unwrap(),
        "is damaged: it is longer than 8 MiB",
    ),
    ("newer", |file| edit(file, "\"version\": 1", "\"version\": 2"), "run the newer valord again"),
    (
        "never",
        |file| edit(file, "\"version\": 1", "\"version\": 0"),
        "is damaged: version 0 has never existed",
    ),
    ("renamed", |file| edit(file, "\"renamed\"", "\"other\""), "is damaged: it names \"other\""),
    ("hash", |file| edit(file, "\"sha256\": \"", "\"sha256\": \"../"), "is damaged: its sha256 is none"),
    ("reserved", |file| edit(file, "\"/reserved\"", "\"/_reserved\""), "is reserved"),
    ("dots", |file| edit(file, "\"/dots\"", "\"/a/../b\""), "has a dot segment"),
    (
        "twice",
        |file| edit(file, "\"/twice\"", "\"/neighbour\""),
        "the prefix /neighbour belongs to the plugin neighbour",
    ),
    (
        "loose",
        |file| fs::set_permissions(file, Permissions::from_mode(0o666)).unwrap(),
        "is not safe: others can write to it (mode 0666)",
    ),
    (
        "pipe",
        |file| {
            fs::remove_file(file).unwrap();
            nix::unistd::mkfifo(file, nix::sys::stat::Mode::S_IRWXU).unwrap();
        },
        "is damaged: it is no regular file",
    ),
    (
        "loop",
        |file| {
            fs::remove_file(file).unwrap();
            symlink(file, file).unwrap();
        },
        "is damaged: Too many levels of symbolic links",
    ),
];

/// Those that only root can do, or that hinder anybody but root.
fn of_this_user() -> Damage {
    if nix::unistd::geteuid().is_root() {
        ("foreign", |file| chown(file, Some(1), None).unwrap(), "is not safe: it belongs to uid 1")
    } else {
        let closed: fn(&Path) = |file| fs::set_permissions(file, Permissions::from_mode(0o000)).unwrap();
        ("foreign", closed, "is damaged: Permission denied")
    }
}

fn names() -> impl Iterator<Item = Damage> {
    DAMAGES.iter().copied().chain([of_this_user()])
}

fn spec(name: &str) -> Spec {
    Spec::new(built("libhello_c_plugin.so"), name)
}

#[tokio::test]
async fn a_damaged_entry_fails_alone_says_why_and_heals() {
    let valord = Valord::start().await;
    valord.register(spec("neighbour")).await;
    for (name, ..) in names() {
        valord.register(spec(name)).await;
    }
    let dir = valord.stop().await;
    let state = dir.path().join("state");
    let plugins = state.join("plugins");
    for (name, damage, _) in names() {
        damage(&plugins.join(format!("{name}.json")));
    }
    fs::write(plugins.join("notes.txt"), "not valord's").unwrap();
    fs::write(plugins.join("Shouted.json"), "{}").unwrap();
    let damaged = listing(&plugins);

    let valord = Valord::start_in(dir, |_| {}).await;
    valord.until_state("neighbour", "ready").await;
    let neighbour = Neighbour::ask(valord.address);
    for (name, _, why) in names() {
        let plugin = valord.until_state(name, "failed").await;
        assert!(plugin.reason.contains(why), "{name}: {}", plugin.reason);
        assert_eq!((plugin.restarts, &*plugin.source), (0, "api"));
        assert_eq!(valord.inspect(name).await.instances.len(), 0);
        assert_eq!(valord.get(&format!("/{name}")).await.status, 404, "{name}");
    }
    assert!(valord.plugin("Shouted").await.reason.contains("is damaged"));
    assert_eq!(valord.names().await.len(), names().count() + 2);
    assert_eq!(listing(&plugins), damaged, "a boot changes nothing of it");

    // Of half of them the entry is forgotten first, the others are replaced as they are.
    for (at, (name, ..)) in names().enumerate() {
        let taken = valord.try_register(spec(name)).await.unwrap_err();
        assert_eq!(taken.code(), tonic::Code::AlreadyExists, "{taken}");
        // What fails to heal it leaves it as it is.
        let bad = Spec::new(built("libwith_state_plugin.so"), name).replace();
        assert_eq!(valord.try_register(bad).await.unwrap_err().code(), tonic::Code::Unknown);
        assert_eq!(valord.plugin(name).await.state, "failed");
        if at % 2 == 0 {
            valord.unregister(name).await.unwrap();
            assert!(!plugins.join(format!("{name}.json")).is_symlink());
            valord.register(spec(name)).await;
        } else {
            valord.register(spec(name).replace()).await;
        }
        assert_eq!(valord.get(&format!("/{name}")).await.status, 200, "{name}");
    }
    valord.unregister("Shouted").await.unwrap();
    neighbour.was_served().await;

    let dir = valord.stop().await;
    let valord = Valord::start_in(dir, |_| {}).await;
    for name in names().map(|(name, ..)| name).chain(["neighbour"]) {
        valord.until_state(name, "ready").await;
    }
    assert_eq!(valord.names().await.len(), names().count() + 1);
    assert!(plugins.join("notes.txt").exists());
    assert_eq!(fs::read_dir(state.join("artifacts")).unwrap().count(), 1, "of all, one artifact is needed");
    valord.stop().await;
}

/// While an entry cannot be read nobody knows which artifact it needs; once it is gone, that is known again.
#[tokio::test]
async fn artifacts_are_collected_again_when_the_last_unread_entry_is_gone() {
    let valord = Valord::start().await;
    valord.register(spec("neighbour")).await;
    valord.register(Spec::new(built("libhello_plugin.so"), "lost")).await;
    let dir = valord.stop().await;
    let artifacts = dir.path().join("state/artifacts");
    fs::write(dir.path().join("state/plugins/lost.json"), "{").unwrap();
    let valord = Valord::start_in(dir, |_| {}).await;
    let greeter = Spec::new(built("libwith_state_plugin.so"), "greeter").config(&json!("Alice"));
    valord.register(greeter).await;
    valord.unregister("greeter").await.unwrap();
    assert_eq!(fs::read_dir(&artifacts).unwrap().count(), 3, "any of them may be the one of `lost`");
    valord.unregister("lost").await.unwrap();
    assert_eq!(fs::read_dir(&artifacts).unwrap().count(), 1);
    assert!(!valord.dir.path().join("state/data/lost").exists());
    valord.stop().await;
}

#[tokio::test]
async fn a_directory_in_the_place_of_a_state_file_is_told() {
    let valord = Valord::start().await;
    valord.register(spec("neighbour")).await;
    let neighbour = Neighbour::ask(valord.address);
    let state = valord.dir.path().join("state");
    let squatter = state.join("plugins/x.json");
    fs::create_dir_all(squatter.join("full")).unwrap();
    let before = listing(&state);
    // It starts, and cannot be kept: then it has never been.
    let refused = valord.try_register(spec("x")).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Internal);
    let said = format!(
        "cannot write {}: Is a directory (os error 21); a directory has this name: move it away",
        squatter.display()
    );
    assert_eq!(refused.message(), said);
    crate::listing::until_as_before(&state, &before).await;
    assert_eq!(valord.names().await, ["neighbour"]);
    assert_eq!(valord.get("/x").await.status, 404);
    neighbour.was_served().await;

    let dir = valord.stop().await;
    let valord = Valord::start_in(dir, |_| {}).await;
    assert!(valord.until_state("x", "failed").await.reason.contains("it is no regular file"));
    let refused = valord.unregister("x").await.unwrap_err();
    assert!(refused.message().ends_with("a directory has this name: move it away"), "{refused}");
    fs::remove_dir_all(&squatter).unwrap();
    valord.unregister("x").await.unwrap();
    valord.register(spec("x")).await;
    valord.stop().await;
}

#[tokio::test]
async fn an_artifact_that_is_gone_or_altered_does_not_start_and_heals() {
    let valord = Valord::start().await;
    valord.register(spec("neighbour")).await;
    let missing = || Spec::new(built("libhello_plugin.so"), "missing");
    let altered = || Spec::new(built("libwith_state_plugin.so"), "altered").config(&json!("Alice"));
    valord.register(missing()).await;
    valord.register(altered()).await;
    let hashes = [valord.plugin("missing").await.sha256, valord.plugin("altered").await.sha256];
    let dir = valord.stop().await;
    let [gone, changed] = hashes.map(|hash| dir.path().join("state/artifacts").join(hash));
    fs::remove_file(gone).unwrap();
    let mut bytes = fs::read(&changed).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::remove_file(&changed).unwrap();
    fs::write(&changed, bytes).unwrap();

    let valord = Valord::start_in(dir, |_| {}).await;
    valord.until_state("neighbour", "ready").await;
    let neighbour = Neighbour::ask(valord.address);
    for (name, why) in
        [("missing", "is damaged (it is missing)"), ("altered", "is damaged (its content hashes to ")]
    {
        let plugin = valord.until_state(name, "failed").await;
        assert!(plugin.reason.contains(why), "{}", plugin.reason);
        assert!(plugin.reason.ends_with("register the plugin again from its file"), "{}", plugin.reason);
        let problem = valord.get(&format!("/{name}")).await.problem(502, name);
        assert!(problem["type"].as_str().unwrap().ends_with("start-failed"), "{problem}");
        let request = valor_control::v1::RestartRequest { name: name.into(), no_wait: false };
        let refused = valord.control.clone().restart(request).await.unwrap_err();
        assert!(refused.message().contains(why), "{refused}");
    }
    valord.register(missing().replace()).await;
    valord.unregister("altered").await.unwrap();
    valord.register(altered()).await;
    assert_eq!(valord.get("/missing").await.status, 200);
    assert_eq!(valord.get("/altered?who=you").await.text(), "Alice says hello you!");
    neighbour.was_served().await;
    valord.stop().await;
}
