//! What becomes public is said before it is, and nothing becomes public without a yes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use common::Fake;
use common::terminal::on_terminal;
use insta::assert_snapshot;

const JS: &[u8] = b"export default { fetch: () => new Response() }";

#[test]
fn without_a_terminal_only_yes_publishes() {
    let fake = Fake::start();
    let file = fake.file("hello.js", JS);
    let args = ["register", &file, "--web", "--web-config", r#"{"who":"all"}"#];
    assert_snapshot!(fake.run(args).all(), @r#"
    exit 2
    --- stderr
    error: web: this is published only when somebody says yes
      to everybody who can reach valord this becomes public, below /_valor/:
        its code: hello.js
        its web configuration: {"who":"all"}
      its --config, environment and grants stay on the server; in a browser it may do what the pages of the site may
      help: say it with --yes
    "#);
    assert!(fake.uploads().is_empty(), "nothing was sent");
    let run = fake.run([&args[..], &["--yes", "--web-mode", "local"]].concat());
    assert_eq!(run.code, 0, "{}", run.all());
    let web = fake.uploads().remove(0).spec.web.unwrap();
    assert_eq!((&*web.mode, &*web.config), ("local", r#"{"who":"all"}"#));
    let run = fake.run(["register", &file]);
    assert_eq!(
        (run.code, fake.uploads().pop().unwrap().spec.web),
        (0, None),
        "unasked, nothing is published"
    );
}

#[test]
fn a_terminal_is_asked_and_only_a_yes_publishes() {
    let fake = Fake::start();
    let file = fake.file("hello.js", JS);
    for (answer, published) in
        [("y\n", true), ("YES\n", true), ("\n", false), ("no\n", false), ("\x04", false)]
    {
        let before = fake.uploads().len();
        let (seen, code) = on_terminal(&fake, &["register", &file, "--web"], answer);
        let said =
            "to everybody who can reach valord this becomes public, below /_valor/:\n  its code: hello.js\n";
        assert!(seen.starts_with(said) && seen.contains("publish? [y/N] "), "{seen:?}");
        let uploads = fake.uploads();
        assert_eq!((code == 0, uploads.len() > before), (published, published), "{answer:?}: {seen}");
        assert!(published || code == 5, "a no is a refusal: {code}");
        assert!(uploads.iter().all(|upload| upload.spec.web.is_some()));
    }
    let (seen, code) = on_terminal(&fake, &["register", &file, "--web", "--yes"], "");
    assert!(code == 0 && !seen.contains("[y/N]"), "{seen}");
}

#[test]
fn a_native_plugin_is_not_published() {
    let fake = Fake::start();
    let file = fake.file("libhello.so", b"\x7fELF\x02\x01\x01");
    assert_snapshot!(fake.run(["register", &file, "--web", "--yes"]).all(), @"
    exit 2
    --- stderr
    error: web: a native plugin cannot run in a browser
      help: build it for wasm32-unknown-unknown, or register it without --web
    ");
    assert!(fake.uploads().is_empty());
}

#[test]
fn the_new_code_of_a_published_plugin_is_announced_before_it_is_public() {
    let fake = Fake::start();
    let file = fake.file("next.js", JS);
    let run = fake.run(["replace", "public", &file]);
    assert_snapshot!(run.all(), @"
    exit 2
    --- stderr
    error: web: this is published only when somebody says yes
      public is published: to everybody who can reach valord this becomes public, below /_valor/:
        its new code: [DIR]/next.js
      with --no-web it is published no more
      help: say it with --yes
    ");
    let changes = || fake.changes.lock().unwrap().len();
    assert_eq!(changes(), 0, "nothing was sent");
    let (seen, code) = on_terminal(&fake, &["replace", "public", &file], "n\n");
    assert!(seen.contains("its new code: ") && code == 5, "{code} {seen}");
    assert_eq!(changes(), 0);
    for (args, count) in [
        (&["replace", "public", &*file, "--yes"][..], 1),
        (&["replace", "public", &file, "--no-web"], 2),
        // Its code is not public, or it is not published, or there is no new code.
        (&["replace", "listed", &file], 3),
        (&["replace", "private", &file], 4),
        (&["replace", "public", "--timeout", "5s"], 5),
    ] {
        let run = fake.run(args);
        assert_eq!((run.code, changes()), (0, count), "{args:?}: {}", run.all());
    }
    let (seen, code) = on_terminal(&fake, &["replace", "public", &file], "y\n");
    assert_eq!((code, changes()), (0, 6), "{seen}");
}
