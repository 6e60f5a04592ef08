//! Plugins that mean well work in the sandbox as they are: SQLite, rayon, tempfile, tokio, threads, a resolver that finds nothing.

use valor_control::v1::Grants;

use crate::artifacts::built;
use crate::client::Spec;
use crate::harness::Valord;

#[tokio::test]
async fn honest_libraries_work_and_their_neighbours_answer() {
    let valord = Valord::start().await;
    let honest = built("libvalor_test_honest_plugin.so");
    valord.register(Spec::new(&honest, "honest")).await;
    valord.register(Spec::new(built("libhello_plugin.so"), "hello")).await;
    let programs = valord.get("/honest").await;
    let programs: Vec<_> = programs.text().lines().collect();
    assert!(programs.len() >= 8, "{programs:?}");
    // Twice: what is left of the first time is in nobody's way.
    for name in programs.iter().chain(&programs) {
        let (path, all) = (format!("/honest/{name}"), ["/hello", "/hello"]);
        let (answer, neighbours) = tokio::join!(
            valord.get(&path),
            futures_util::future::join_all(all.map(|neighbour| valord.get(neighbour)))
        );
        assert_eq!((answer.status, answer.text()), (200, "done"), "{name}: {}", valord.log("honest").await);
        for neighbour in neighbours {
            assert_eq!(neighbour.text(), "OK response from a plugin");
        }
    }
    assert_eq!(valord.plugin("honest").await.restarts, 0);
    valord.stop().await;
}

#[tokio::test]
async fn the_environment_is_what_was_granted_and_nothing_else() {
    let valord = Valord::start().await;
    let honest = built("libvalor_test_honest_plugin.so");
    assert!(std::env::vars().count() > 0, "there is something that could leak");
    valord.register(Spec::new(&honest, "nothing")).await;
    assert_eq!(valord.get("/nothing/environment").await.text(), "");
    let env = vec!["GREETING=hello world".to_owned(), "EMPTY=".to_owned()];
    let granted = Some(Grants { env, ..Grants::default() });
    valord.register(Spec::new(&honest, "two").change(|spec| spec.grants = granted)).await;
    assert_eq!(valord.get("/two/environment").await.text(), "EMPTY=\nGREETING=hello world\n");
    // What one was granted is not the other's.
    assert_eq!(valord.get("/nothing/environment").await.text(), "");
    valord.stop().await;
}
