//! Entries of the plugins file that cannot be served: each is `failed` and says why, and stands in nobody's way.

use serde_json::json;
use valor_control::v1::{ListRequest, Plugin};

use crate::artifacts::{built, misbehave};
use crate::client::Spec;
use crate::harness::{PATIENCE, Valord};
use crate::neighbour::Neighbour;

/// Waits for an entry that does not show before it has been tried.
async fn until_listed(valord: &Valord, name: &str, state: &str) -> Plugin {
    let waiting = async {
        loop {
            let all = valord.control.clone().list(ListRequest {}).await.unwrap().into_inner().plugins;
            let found = all.into_iter().find(|plugin| plugin.name == name && plugin.state == state);
            match found {
                Some(plugin) => return plugin,
                None => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, waiting).await;
    found.unwrap_or_else(|_| panic!("{name} does not become {state}"))
}

#[tokio::test]
async fn a_bad_entry_is_shown_and_the_others_serve() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("text.so");
    std::fs::write(&text, "no library").unwrap();
    let nowhere = dir.path().join("nowhere.so");
    let hello = built("libhello_c_plugin.so");
    let fails = misbehave("create_fails");
    let entry = |name: &str, path: &std::path::Path| json!({ "type": "native", "name": name, "path": path, "prefix": format!("/{name}") });
    let twin = json!({ "type": "native", "name": "twin", "path": hello, "prefix": "/neighbour/" });
    let entries = json!({ "plugins": [
        entry("neighbour", &hello), entry("text", &text), entry("nowhere", &nowhere), entry("fails", &fails), twin,
    ] });
    let file = dir.path().join("plugins.json");
    std::fs::write(&file, entries.to_string()).unwrap();
    let valord = Valord::start_in(dir, |app| app.config.plugins = Some(file.clone())).await;
    until_listed(&valord, "neighbour", "ready").await;
    let neighbour = Neighbour::ask(valord.address);
    for (name, why) in [
        ("fails", "create: no database"),
        ("text", &format!("{}:1:", file.display())),
        ("nowhere", &format!("{}:1:", file.display())),
        ("twin", &format!("{}:1:", file.display())),
    ] {
        let plugin = until_listed(&valord, name, "failed").await;
        let begins = format!("the entry {name} of the plugins file cannot be served: {why}");
        assert!(plugin.reason.starts_with(&begins), "{}", plugin.reason);
        assert_eq!(plugin.source, "file");
        assert_eq!(valord.get(&format!("/{name}")).await.status, 404);
    }
    let text = valord.plugin("text").await.reason;
    assert!(
        text.contains("text: type: the file is of the kind js, not native: correct one of them"),
        "{text}"
    );
    assert_eq!(valord.names().await, ["fails", "neighbour", "nowhere", "text", "twin"]);
    neighbour.was_served().await;

    // What the file cannot bring leaves nothing, and the name is free for whoever has something better.
    let state = valord.dir.path().join("state");
    let files: Vec<_> =
        std::fs::read_dir(state.join("plugins")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["neighbour.json"]);
    assert_eq!(std::fs::read_dir(state.join("data")).unwrap().count(), 1);
    let taken = valord.try_register(Spec::new(&hello, "text")).await.unwrap_err();
    assert!(taken.message().contains("belongs to the plugins file"), "{taken}");
    valord.unregister("text").await.unwrap();
    valord.register(Spec::new(&hello, "text")).await;
    assert_eq!(valord.get("/text").await.status, 200);
    valord.stop().await;
}
